"""What takes a node several steps, as coroutines that read like the RFC's: attach, join, leave, stabilise, look up,
store, fetch, replicate. They await; what is true or allowed is decided by the rules that they call.
"""

from p2psip_min.procedures.attach import app_attach, attach
from p2psip_min.procedures.client import serve_client
from p2psip_min.procedures.diagnose import diagnose
from p2psip_min.procedures.join import join, join_in_time
from p2psip_min.procedures.leave import crash, leave
from p2psip_min.procedures.lookup import locate, ping
from p2psip_min.procedures.maintain import ask_for_table, maintain, stabilize
from p2psip_min.procedures.records import fetch, remove, store
from p2psip_min.procedures.sharing import Key, grant, revoke, write_for

__all__ = [
    "Key",
    "app_attach",
    "ask_for_table",
    "attach",
    "crash",
    "diagnose",
    "fetch",
    "grant",
    "join",
    "join_in_time",
    "leave",
    "locate",
    "maintain",
    "ping",
    "remove",
    "revoke",
    "serve_client",
    "stabilize",
    "store",
    "write_for",
]
