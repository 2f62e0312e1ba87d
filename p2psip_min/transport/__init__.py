"""Transport security: virtual time, the simulated network, and links over it.

Reading order: loop, deadlines, coordinates, network, link (the seam), plain, stream, tls, tls_link, tls_links, opening,
secure, clear, driver.
"""
