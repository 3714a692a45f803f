"""What a line of text may be that comes from outside, as pydantic metadata.

A document that says `maxLength` means the text as it is sent. So length and pattern are checked first, and white space
is taken off the ends only then.
"""

from pydantic import AfterValidator

# One line that is not blank. White space of which JavaScript, Python and Rust think differently is named: control
# characters stand nowhere, and a byte order mark alone is no text.
_CONTROL = r"\x00-\x1f\x7f-\x9f"
ONE_LINE = rf"^[^{_CONTROL}]*[^\s\ufeff{_CONTROL}][^{_CONTROL}]*$"
STRIPPED = AfterValidator(str.strip)
