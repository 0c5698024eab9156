# SPDX-License-Identifier: LGPL-2.1-or-later
"""How schemathesis (openapi.py) sends what is neither JSON nor a form: as it is."""
import schemathesis


@schemathesis.serializer("application/sdp", "application/trickle-ice-sdpfrag", "audio/*")
def as_it_is(context, value):
    return {"data": value if isinstance(value, bytes) else str(value).encode("utf-8", errors="replace")}
