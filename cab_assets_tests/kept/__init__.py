"""A small lake, its Hive tables and a Dagster home that an earlier version made.

Every later version must read them: it imports nothing again and refuses nothing.
"""
