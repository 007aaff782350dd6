"""Streamlit's logins, of 1.42 to 1.56, whose server was Tornado: its signed values around the same JSON, cut alike."""

import signed_damage
import signed_logins
import signed_payloads
import signed_shared
from cases import Case
from elsewhere import Library
from signed_cases import CLAIMS, MALFORMED, USER
from signed_streamlit import NAME, ORIGIN, Login, Streamlit
from signed_tornado import Tornado

LIBRARY = Library("streamlit==1.56.0", "signed_streamlit_asked.py")


class StreamlitTornado(Login, Tornado):
    kind = "streamlit_tornado"
    library = LIBRARY

    def signed(self, payload: bytes, time: bytes, name: bytes = NAME.encode(), version: bytes = b"0") -> bytes:
        return super().signed(payload, time, name, version)

    def payload(self, raw: bytes) -> bytes:
        return super().payload(self.inner(raw))


def cases() -> list[Case]:
    made = StreamlitTornado()
    login = {"user": "anna", "is_logged_in": True, "origin": ORIGIN}
    others = {name: Tornado().make(login, settings={"cookie": name})
              for name in ("user", "_streamlit_user_tokens", "_streamlit_user_1", "_Streamlit_user")}
    return [
        *signed_shared.cases(made),
        *signed_damage.cases(made),
        *signed_payloads.cases(made),
        *signed_logins.cases(made),
        *[made.refused(f"of_cookie_{name}", value, CLAIMS, "signed for another cookie") for name, value in others.items()],
        made.refused("of_1_57", Streamlit().make(USER), MALFORMED, "itsdangerous's, not Tornado's"),
    ]  # fmt: skip
