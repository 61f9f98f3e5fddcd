"""Raft as a pure core: `Raft.step(event, now_s)` returns effects, and a shell carries them out.

The core has no clock, no randomness, no file and no socket of its own: the same events give the
same effects in a simulator, in a test and in a process. What the shell must do for each effect is
in `effects`; which durable write each message waits for is in `messages`.

Paper: Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014. Thesis:
Ongaro, "Consensus: Bridging Theory and Practice", 2014. Left out: joint consensus, witnesses.
"""
