"""A language model of random numbers, small enough to be made by each test (GGUF, version 3).

What it says has no meaning; that it runs in the real llama-server, for as long as it is asked to,
is all that the tests want. The format: docs/gguf.md in the ggml repository.
"""

import array
import itertools
import random
import struct
import sys

EMBEDDING = 64
HEADS = 2
FEED_FORWARD = 128
CONTEXT = 4096
ALIGNMENT = 32
WORDS = [f"\u2581{a}{b}" for a, b in itertools.product("bdfgklmnprstvz", "aeiou")]

# Types of values in GGUF.
UINT32, FLOAT32, STRING, ARRAY = 4, 6, 8, 9
INT32 = 5
# What a token is (llama.h, llama_token_type).
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
TENSOR_F32 = 0


def _string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _plain(kind, value):
    if kind == STRING:
        return _string(value)
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f"}[kind], value)


def _field(key, kind, value):
    return _string(key) + struct.pack("<I", kind) + _plain(kind, value)


def _list(key, kind, values):
    head = _string(key) + struct.pack("<IIQ", ARRAY, kind, len(values))
    return head + b"".join(_plain(kind, value) for value in values)


def _tokens():
    """Every byte is a token, so that any text can be read; words are what is said."""
    special = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)]
    byte = [(f"<0x{value:02X}>", BYTE) for value in range(256)]
    return special + byte + [(word, NORMAL) for word in WORDS]


def _metadata(tokens):
    return [
        _field("general.architecture", STRING, "llama"),
        _field("general.name", STRING, "leastjobs random numbers"),
        _field("llama.vocab_size", UINT32, len(tokens)),
        _field("llama.context_length", UINT32, CONTEXT),
        _field("llama.embedding_length", UINT32, EMBEDDING),
        _field("llama.block_count", UINT32, 1),
        _field("llama.feed_forward_length", UINT32, FEED_FORWARD),
        _field("llama.attention.head_count", UINT32, HEADS),
        _field("llama.attention.layer_norm_rms_epsilon", FLOAT32, 1e-5),
        _field("llama.rope.dimension_count", UINT32, EMBEDDING // HEADS),
        _field("tokenizer.ggml.model", STRING, "llama"),
        _list("tokenizer.ggml.tokens", STRING, [text for text, _ in tokens]),
        _list("tokenizer.ggml.scores", FLOAT32, [0.0] * len(tokens)),
        _list("tokenizer.ggml.token_type", INT32, [kind for _, kind in tokens]),
        _field("tokenizer.ggml.unknown_token_id", UINT32, 0),
        _field("tokenizer.ggml.bos_token_id", UINT32, 1),
        _field("tokenizer.ggml.eos_token_id", UINT32, 2),
    ]


def _tensors(tokens):
    """name, width, height (0: a vector) and values of each."""
    numbers = random.Random(1)

    def matrix(name, width, height):
        return name, width, height, [numbers.gauss(0, 0.2) for _ in range(width * height)]

    def ones(name):
        return name, EMBEDDING, 0, [1.0] * EMBEDDING

    # Only words have a likelihood: neither half a letter nor the end comes, unless by chance.
    said = [numbers.gauss(0, 1) for _ in range(EMBEDDING * len(WORDS))]
    never = [0.0] * (EMBEDDING * (len(tokens) - len(WORDS)))
    return [
        matrix("token_embd.weight", EMBEDDING, len(tokens)),
        ones("output_norm.weight"),
        ("output.weight", EMBEDDING, len(tokens), never + said),
        ones("blk.0.attn_norm.weight"),
        matrix("blk.0.attn_q.weight", EMBEDDING, EMBEDDING),
        matrix("blk.0.attn_k.weight", EMBEDDING, EMBEDDING),
        matrix("blk.0.attn_v.weight", EMBEDDING, EMBEDDING),
        matrix("blk.0.attn_output.weight", EMBEDDING, EMBEDDING),
        ones("blk.0.ffn_norm.weight"),
        matrix("blk.0.ffn_gate.weight", EMBEDDING, FEED_FORWARD),
        matrix("blk.0.ffn_up.weight", EMBEDDING, FEED_FORWARD),
        matrix("blk.0.ffn_down.weight", FEED_FORWARD, EMBEDDING),
    ]


def _padding(length):
    return b"\0" * (-length % ALIGNMENT)


def tiny_llama():
    """The bytes of the file, the same each time."""
    tokens = _tokens()
    metadata = _metadata(tokens)
    infos, data = b"", b""
    tensors = _tensors(tokens)
    for name, width, height, values in tensors:
        shape = [width, height] if height else [width]
        infos += _string(name) + struct.pack("<I", len(shape))
        infos += struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", TENSOR_F32, len(data))
        floats = array.array("f", values)
        if sys.byteorder == "big":
            floats.byteswap()
        data += floats.tobytes()
        data += _padding(len(data))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(metadata) + infos
    return head + _padding(len(head)) + data
