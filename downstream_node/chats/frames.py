"""What an import and the process that reads for it say to each other, over pipes. Pure.

The import sends a NUMBER, the channel's, and the bytes of the export. It gets frames: a LENGTH, and
so many bytes of MessagePack.
"""

from struct import Struct

import msgspec

from downstream_node.chats.batches import Batch, Ending

NUMBER = Struct("<q")
LENGTH = Struct("<I")


class Refused(msgspec.Struct, frozen=True, array_like=True, tag="refused"):
    """Why the export is none: the text of an InvalidExport."""

    text: str


Item = Batch | Ending | Refused
decode = msgspec.msgpack.Decoder(Item).decode
_encode = msgspec.msgpack.Encoder().encode


def frame(item: Item) -> bytes:
    """One frame."""
    content = _encode(item)
    return LENGTH.pack(len(content)) + content
