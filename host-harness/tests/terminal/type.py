"""Runs a program on a terminal of its own and types: after each text that is waited for, some keys. Prints what was shown.

type.py PROGRAM ARGUMENT… -- WAITED KEYS [WAITED KEYS]…
"""

import os
import pty
import sys

arguments = sys.argv[1:]
at = arguments.index("--")
command, steps = arguments[:at], arguments[at + 1 :]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
shown = b""
seen = 0
while True:
    try:
        read = os.read(terminal, 65536)
    except OSError:  # The program has ended.
        break
    if not read:
        break
    shown += read
    while steps and steps[0].encode() in shown[seen:]:
        seen = len(shown)
        os.write(terminal, steps[1].encode().decode("unicode_escape").encode())
        steps = steps[2:]
_, status = os.waitpid(child, 0)
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(status))
