"""The lab: sessions over running overlays, and the panel that shows them."""
