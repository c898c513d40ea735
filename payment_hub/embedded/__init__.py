"""The embedded default: the whole hub on one machine, from wheels alone.

Reading order: run (the whole, in the order in which it starts), environment (the settings of its processes), instance
(where an instance keeps its data), process, parent_death and reaper (processes under supervisord), postgres and os_user
(a real PostgreSQL, and the user that it runs as), broker, simulators, __main__ (the commands).

The hub itself imports nothing from here: a deployment sets HUB_DATABASE_URL and HUB_BROKER_URL and never uses it.
"""
