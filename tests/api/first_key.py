"""Prints an admin's key of a fresh service, made with the link of its first start: first_key.py URL FILE"""

import json
import sys
import urllib.request

url, link = sys.argv[1], open(sys.argv[2]).read()


def post(path, body, headers):
    request = urllib.request.Request(f"{url}/api/v1{path}", json.dumps(body).encode(), headers)
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request) as answer:
        return answer.headers, json.load(answer)


headers, session = post("/session", {"link": link}, {})
cookie = headers["set-cookie"].split(";")[0]
_, key = post("/keys", {"name": "fuzzer", "role": "admin"}, {"cookie": cookie, "x-csrf-token": session["csrfToken"]})
post("/channels", {"id": "T_1"}, {"authorization": f"Bearer {key['secret']}"})
print(key["secret"])
