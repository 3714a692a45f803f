"""What a line of text may be that comes from outside, as pydantic metadata.

A document that says `maxLength` means the text as it is sent. So length and pattern are checked first, and white space
is taken off the ends only then.
"""

from pydantic import AfterValidator

# One line that is not blank. JSON Schema, Python and Rust read it alike.
ONE_LINE = r"^[^\x00-\x1f]*[^\s\x00-\x1f][^\x00-\x1f]*$"
STRIPPED = AfterValidator(str.strip)
