"""The child process that sets a PDF: HTML on stdin, PDF on stdout, an exit status when the system lacks something.

Limits its own memory and CPU time. Nothing is fetched: WeasyPrint is given a fetcher that refuses every address.
Knows no Django.
"""

import resource
import sys

NO_PANGO, NO_FONT = 3, 4
_MEMORY_BYTES = 3 << 30
_CPU_S = 120
_HANGUL = range(0xAC00, 0xD7A4)


def main() -> int:
    """Set the HTML of stdin and return the exit status."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except OSError:
        return NO_PANGO
    pages = HTML(string=sys.stdin.buffer.read().decode(), url_fetcher=URLFetcher(allowed_protocols=())).render()
    content = pages.write_pdf()
    if any(code in _HANGUL for font in pages.fonts.values() for code in font.missing):
        return NO_FONT
    sys.stdout.buffer.write(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
