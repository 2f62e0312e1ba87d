"""Overlay algorithms behind one seam (draft Req. 4): CHORD-RELOAD's ring, two that are no ring, and a client's view."""
