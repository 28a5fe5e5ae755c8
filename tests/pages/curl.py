"""As much of curl as the README uses, for machines that have none: -s -b FILE -c FILE -H -d -X, and a URL."""

import argparse
import sys
from http.cookiejar import MozillaCookieJar
from pathlib import Path

import requests


def main() -> None:
    """Send the request, print the body of the answer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-s", action="store_true")
    for option in ("-b", "-c", "-d"):
        parser.add_argument(option)
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-X", default=None)
    parser.add_argument("url")
    asked = parser.parse_args()
    jar = MozillaCookieJar(asked.b or asked.c)
    if asked.b and Path(asked.b).exists():
        jar.load(ignore_discard=True)
    headers = dict(header.split(": ", 1) for header in asked.H)
    method = asked.X or ("POST" if asked.d else "GET")
    session = requests.Session()
    session.cookies = jar  # type: ignore[assignment]  # any jar will do
    answer = session.request(method, asked.url, data=asked.d, headers=headers, timeout=30)
    if asked.c:
        jar.save(ignore_discard=True)
    sys.stdout.write(answer.text)


if __name__ == "__main__":
    main()
