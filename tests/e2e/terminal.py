"""Runs a command on a pseudo-terminal and prints, as one JSON object, what a person would see of it.
   terminal.py COLUMNS ROWS [--interrupt TEXT] COMMAND…      --interrupt: SIGINT once TEXT was written
   {"lines": all lines, those that scrolled away first, "cursor": visible at the end, "raw": the bytes, "status": as of wait}"""
import fcntl, json, os, pty, re, select, signal, struct, sys, termios, time

columns, rows, command, interrupt = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:], None
if command[0] == "--interrupt":
    interrupt, command = command[1].encode(), command[2:]


class Screen:
    """As much of a terminal as the tree uses: wrapping, scrolling, cursor up, erasing, colours ignored."""

    def __init__(self):
        self.lines, self.top, self.x, self.y, self.cursor = [[" "] * columns for _ in range(rows)], 0, 0, 0, True

    def newline(self):
        self.y += 1
        if self.y - self.top >= rows:
            self.top += 1
        if self.y >= len(self.lines):
            self.lines.append([" "] * columns)

    def put(self, char):
        if self.x == columns:
            self.x = 0
            self.newline()
        self.lines[self.y][self.x] = char
        self.x += 1

    def control(self, number, letter):
        if letter == "A":
            self.y = max(self.top, self.y - int(number or 1))
        elif letter in "KJ":
            self.lines[self.y][self.x:] = [" "] * (columns - self.x)
            for y in range(self.y + 1, len(self.lines) if letter == "J" else 0):
                self.lines[y] = [" "] * columns
        elif letter in "hl" and number == "?25":
            self.cursor = letter == "h"
        elif letter != "m":
            raise SystemExit(f"an escape sequence that this terminal does not know: {number}{letter}")

    def feed(self, text):
        for match in re.finditer(r"\033\[([?0-9;]*)([A-Za-z])|[\s\S]", text):
            char = match.group(0)
            if match.group(2):
                self.control(match.group(1), match.group(2))
            elif char == "\r":
                self.x = 0
            elif char == "\n":
                self.newline()
            else:
                self.put(char)


process, terminal = pty.fork()
if process == 0:
    os.environ["TERM"] = "xterm-256color"
    time.sleep(0.05)  # the parent sets the size
    os.execvp(command[0], command)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
raw, end = b"", time.time() + 60
while time.time() < end:
    if select.select([terminal], [], [], 0.1)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        raw += data
    if interrupt and interrupt in raw:
        os.kill(process, signal.SIGINT)
        interrupt = None
else:
    os.kill(process, signal.SIGKILL)
_, status = os.waitpid(process, 0)
screen = Screen()
screen.feed(raw.decode("utf-8", "replace"))
print(json.dumps({"lines": ["".join(line).rstrip() for line in screen.lines], "cursor": screen.cursor, "raw": raw.decode("utf-8", "replace"),
                  "status": os.waitstatus_to_exitcode(status)}))
