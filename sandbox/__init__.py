"""A retail brand's seven platforms on loopback: the world they share, and the server that emulates them.

Nothing here knows the adapters. An emulation imports neither clients, models, signing, protocol
families nor ``adapters.base``, so that one misreading of a platform cannot hide in both.
"""
