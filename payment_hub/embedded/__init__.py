"""The embedded default: the whole hub on one machine, from wheels alone.

Reading order: run (the whole, in the order in which it starts), environment (what the processes are
told), instance (where an instance keeps its things), child and leash (a process that cannot outlive its
owner), postgres and account (a real PostgreSQL, and who it runs as), broker, __main__ (the commands).

Nothing here is imported by the hub itself: a deployment gives HUB_DATABASE_URL and HUB_BROKER_URL
and never comes through this door.
"""
