"""A speech model without weights, and sound for it, for the real whisper-server.

whisper.cpp takes a model file without tensors for a test's and computes with what is in memory, as
long as it would with real weights of that size; no words come of it. The format:
whisper_model_load() in src/whisper.cpp of ggml-org/whisper.cpp.
"""

import struct

MAGIC = 0x67676D6C
# The ids of its special tokens are fixed: a model for English has so many.
VOCABULARY = 51864
AUDIO_CONTEXT = 1500
TEXT_CONTEXT = 448
WIDTH = 384
HEADS = 6
# Whoever has four is of the kind "tiny"; there is no smaller one.
LAYERS = 4
MEL_BANDS = 80
FFT_BINS = 201
F16 = 1
# Those that it looks up; the rest have no text.
WORDS = (b" ", b" -", b" '")
RATE_HZ = 1000


def tiny_whisper():
    """The bytes of the file."""
    sizes = (VOCABULARY, AUDIO_CONTEXT, WIDTH, HEADS, LAYERS, TEXT_CONTEXT, WIDTH, HEADS, LAYERS)
    head = struct.pack("<I11i", MAGIC, *sizes, MEL_BANDS, F16)
    filters = struct.pack("<ii", MEL_BANDS, FFT_BINS) + bytes(4 * MEL_BANDS * FFT_BINS)
    words = b"".join(struct.pack("<i", len(word)) + word for word in WORDS)
    return head + filters + struct.pack("<i", len(WORDS)) + words


def silence(seconds):
    """A WAV file: 8 bits, mono, and a rate so low that an hour is a small upload."""
    sound = b"\x80" * (seconds * RATE_HZ)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE_HZ, RATE_HZ, 1, 8)
    data = struct.pack("<4sI", b"data", len(sound)) + sound
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data
