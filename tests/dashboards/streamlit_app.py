"""A real Streamlit app: a slider answered by the server, an upload, a download, a picture, and whom the gate let in."""

import hashlib
import struct
import zlib

import streamlit

WIDTH, HEIGHT = 240, 60


def chunk(kind: bytes, content: bytes) -> bytes:
    """A part of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def picture(shade: int) -> bytes:
    """A grey rectangle as a PNG file, which Streamlit serves from a path of its own."""
    rows = (b"\0" + bytes([shade]) * WIDTH) * HEIGHT
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


streamlit.title("Streamlit behind dashgate")
streamlit.text(f"for {streamlit.user.get('name')}")
streamlit.text(f"cookies: {' '.join(sorted(streamlit.context.cookies)) or 'none'}")

number = streamlit.slider("Number", 0, 100, 3)
streamlit.text(f"{number} squared is {number**2}")
streamlit.image(picture(100 + number))

if uploaded := streamlit.file_uploader("A file"):
    content = uploaded.getvalue()
    streamlit.text(f"{uploaded.name}: {len(content)} bytes, {hashlib.sha256(content).hexdigest()}")

report = "".join(f"{step},{step**2}\n" for step in range(number + 1))
streamlit.download_button("Squares", report, "squares.csv", "text/csv")
