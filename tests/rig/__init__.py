"""The test rig: real servers on loopback, a terminal, and faults between them.

Everything lives in a temporary directory of its own and ends with the test. Nothing
listens on any address but 127.0.0.1 and ::1.
"""
