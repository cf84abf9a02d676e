#!/usr/bin/python3
"""Writes hello.wav next to itself: two seconds of a soft two-tone chime, 8 kHz, 8 bit, mono.

The same bytes every time, so that the file can be checked in and checked."""

import math
import pathlib
import wave

RATE = 8000  # samples a second
SECONDS = 2
TONES = ((0.0, 659.25), (0.6, 523.25))  # start in seconds, frequency in Hz: e'' and c''
ATTACK = 0.01  # seconds
DECAY = 0.35  # seconds until a tone has faded to 1/e
LOUDNESS = 45  # of 127


def chime(time):
    """The chime's amplitude at a time, about -1 to 1."""
    total = 0.0
    for start, frequency in TONES:
        age = time - start
        if age < 0:
            continue
        envelope = min(1.0, age / ATTACK) * math.exp(-age / DECAY)
        angle = 2 * math.pi * frequency * age
        total += envelope * (math.sin(angle) + 0.3 * math.sin(2 * angle))
    return total


def main():
    samples = bytes(round(128 + LOUDNESS * chime(i / RATE)) for i in range(RATE * SECONDS))
    path = pathlib.Path(__file__).with_name("hello.wav")
    with wave.open(str(path), "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(1)
        audio.setframerate(RATE)
        audio.writeframes(samples)


if __name__ == "__main__":
    main()
