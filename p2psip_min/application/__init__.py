"""SIP on top: ``sip`` (its messages), ``telephone`` (a phone in the overlay), ``registrar_proxy`` and ``user_agent``
(server and phone of the client/server deployment), ``digest`` (its log-in).
"""
