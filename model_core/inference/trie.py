"""Byte tries, and the walk that finds which tokens of a vocabulary an automaton over bytes would take.

It knows bytes, tokens and states, and nothing of words, calls or summaries. Working on bytes makes every segmentation
of a text into tokens equally legal, so that a mask can never depend on how the tokenizer happened to cut.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import Final, TypeVar

State = TypeVar("State", bound=Hashable)
Moves = dict[int, frozenset[State]]
ROOT: Final = 0
NONE: Final = -1


class ByteTrie:
    """A set of byte strings, each with an integer; node 0 is the root."""

    def __init__(self, entries: Iterable[tuple[bytes, int]] = ()) -> None:
        self.children: list[dict[int, int]] = [{}]
        self.values: list[int] = [NONE]
        for key, value in entries:
            self.add(key, value)

    def add(self, key: bytes, value: int) -> None:
        """Give `key` the value, in place of an older one."""
        self.values[self.path(key)[-1]] = value

    def path(self, key: bytes) -> list[int]:
        """Return the nodes along `key`, the root first; missing ones are made."""
        nodes = [ROOT]
        for byte in key:
            node = self.children[nodes[-1]].get(byte)
            if node is None:
                node = len(self.children)
                self.children[nodes[-1]][byte] = node
                self.children.append({})
                self.values.append(NONE)
            nodes.append(node)
        return nodes

    def child(self, node: int, byte: int) -> int:
        """Return the node after `byte`, NONE when there is none."""
        return self.children[node].get(byte, NONE)


def moves(vocabulary: ByteTrie, start: Iterable[State], step: Callable[[State, int], Iterable[State]]) -> Moves[State]:
    """Return the tokens that can be read from the states `start`, each with the states that it leads to.

    `vocabulary` gives the bytes of each token, `step` the states after one byte. Only the part of the vocabulary that
    the automaton can read is visited.
    """
    found: Moves[State] = {}
    stack = [(ROOT, frozenset(start))]
    while stack:
        node, states = stack.pop()
        for byte, child in vocabulary.children[node].items():
            after = frozenset(next_state for state in states for next_state in step(state, byte))
            if after:
                stack.append((child, after))
                if vocabulary.values[child] != NONE:
                    found[vocabulary.values[child]] = after
    return found


def readings(
    vocabulary: ByteTrie, start: Iterable[State], edges: Callable[[State], Iterable[tuple[int, State]]]
) -> Moves[State]:
    """Return the same as `moves` for an automaton that can name the few bytes it takes: `edges` gives each with the
    state after it."""
    found: dict[int, set[State]] = {}
    stack = [(ROOT, state) for state in start]
    while stack:
        node, state = stack.pop()
        for byte, after in edges(state):
            child = vocabulary.child(node, byte)
            if child == NONE:
                continue
            stack.append((child, after))
            if vocabulary.values[child] != NONE:
                found.setdefault(vocabulary.values[child], set()).add(after)
    return {token: frozenset(states) for token, states in found.items()}
