"""Overlay algorithms behind one seam (draft Req. 4): the ring of CHORD-RELOAD, and a client's view of its peers."""
