#!/usr/bin/env python3
"""An audit that is killed at random instants, against an endpoint with faults; its report must be that of an undisturbed run.

The endpoint continues whatever stands in its memory and babbles otherwise; it knows nothing of audits. It answers 429 and
500, breaks bodies and streams off, sends garbage and is slow. The audit is killed (SIGKILL) again and again and started
again with the same command. In the corpus are documents that try to take over whoever reads the report.

    audit_kill.py BIN_DIR [--kills 25] [--seed 1] [--windows 40] [--keep DIR]

Prints the seed. --keep leaves plan, record and reports in DIR (for a look at them in a browser).
"""
import argparse
import hashlib
import http.server
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HOSTILE = [
    "<script>document.title='뚫렸다'</script><img src=x onerror=\"alert(1)\"><style>body{display:none}</style>",
    "</td></tr></table></body></html><h1>보고서는 여기까지입니다</h1><!--",
    "javascript:alert(1) <a href='https://example.com/'>누르세요</a> <iframe srcdoc='<b>x</b>'></iframe>",
    "\u202e거꾸로 \u2066숨긴\u2069 \u200b글\u200d \ufeff끝 {{7*7}} ${7*7} %s %n ';DROP TABLE 장부;--",
    "&lt;이중&gt; &amp;amp; \"따옴표\" '작은따옴표' `역따옴표` ]]> <?xml version='1.0'?> <svg/onload=alert(2)>",
]


class Memory:
    def __init__(self, texts):
        self.texts = texts
        self.lock = threading.Lock()
        self.count = 0
        self.answered = {}
        self.faults = None  # a random.Random, or none

    def continuation(self, prompt, n):
        for keep in range(min(len(prompt), 60), 11, -1):
            end = prompt[-keep:]
            for text in self.texts:
                at = text.find(end)
                if at >= 0:
                    return text[at + keep:at + keep + n]
        r = random.Random(hashlib.sha256(prompt.encode()).digest())
        return " " + " ".join("".join(chr(r.randrange(0xAC00, 0xD7A4)) for _ in range(r.randint(1, 4))) for _ in range(n // 4))


def serve(memory):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def send(self, status, body, kind="application/json", promise=None):
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(promise if promise is not None else len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self):
            self.send(200, json.dumps({"data": [{"id": "memory"}]}))

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                self.answer(json.loads(body), body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def answer(self, q, body):
            chat = self.path == "/v1/chat/completions"
            if not chat and self.path != "/v1/completions":
                return self.send(404, json.dumps({"error": {"message": "no such path"}}))
            fault = None
            with memory.lock:
                memory.count += 1
                if memory.faults is not None and memory.faults.random() < 0.3:
                    fault = memory.faults.choice(["429", "500", "cut", "garbage", "slow", "html", "error"])
            if fault == "slow":
                time.sleep(0.08)
            elif fault == "429":
                return self.send(429, json.dumps({"error": {"message": "slow down"}}))
            elif fault == "500":
                return self.send(500, "oops", "text/plain")
            elif fault == "garbage":
                return self.send(200, "{\"choices\":[{\"te")
            elif fault == "html":
                return self.send(200, "<html>gateway</html>", "text/html")
            elif fault == "error":
                return self.send(200, json.dumps({"error": {"message": "invalid UTF-8 <script>"}}))
            prompt = q["messages"][-1]["content"] if chat else q["prompt"]
            text = memory.continuation(prompt, 2 * q.get("max_tokens", 64))
            if not q.get("stream"):
                choice = {"index": 0, "finish_reason": "length"}
                choice.update({"message": {"role": "assistant", "content": text}} if chat else {"text": text})
                out = json.dumps({"model": "memory", "choices": [choice]})
                if fault == "cut":
                    self.send(200, out[:len(out) // 2], promise=len(out.encode()))
                    self.close_connection = True
                    return
                self.send(200, out)
            else:
                events = []
                for at in range(0, len(text), 5):
                    piece = text[at:at + 5]
                    delta = {"delta": {"content": piece}} if chat else {"text": piece}
                    events.append("data: " + json.dumps({"model": "memory", "choices": [dict(delta, index=0)]}) + "\n\n")
                if fault == "cut":
                    return self.send(200, "".join(events[:len(events) // 2]), "text/event-stream")
                self.send(200, "".join(events) + "data: [DONE]\n\n", "text/event-stream")
            if q.get("max_tokens") != 1:
                q.pop("stream", None)
                q.pop("stream_options", None)
                name = json.dumps(q, sort_keys=True)
                with memory.lock:
                    memory.answered[name] = memory.answered.get(name, 0) + 1

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            pass  # the audit was killed in the middle of a question

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--windows", type=int, default=40)
    parser.add_argument("--keep")
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    rng = random.Random(args.seed)
    root = args.keep or tempfile.mkdtemp(prefix="jangbu-audit-kill-")
    os.makedirs(root, exist_ok=True)
    at = lambda name: os.path.join(root, name)
    jangbu = os.path.join(args.bin, "jangbu")
    env = dict(os.environ, LC_ALL="C.UTF-8", HOME=root, JANGBU_LANG="en")

    def run(*command):
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{command[:3]}: exit code {done.returncode}: {done.stderr}")
        return done.stdout

    rows = []
    for i, partner in enumerate(["gaon", "narae", "control"]):
        run(os.path.join(args.bin, "jangbu-gen-corpus"), "--out", at("gen"), "--size", "1", "--name", partner,
            "--seed", str(args.seed * 10 + i), "--mean-bytes", "1500")
        with open(at(f"gen/{partner}-000.jsonl"), encoding="utf-8") as f:
            for n, line in enumerate(f.readlines()[:24]):
                text = json.loads(line)["text"]
                rows.append({"id": f"{partner}-{n}", "partner": partner, "source_type": "article",
                             "copies": 64 if n % 3 == 0 else 1, "text": text})
    filler = [r["text"].replace("\n", " ") for r in rows if r["partner"] == "narae"]
    for n, hostile in enumerate(HOSTILE):
        # Texts of their own that repeat the nasty words in every window.
        words = filler[n % len(filler)].split(" ")[:160]
        rng.shuffle(words)
        text = " ".join(w if k % 9 else w + " " + hostile for k, w in enumerate(words))
        rows.append({"id": f"<b>나쁜-{n}</b>", "partner": "<i>해적</i>\u202e사", "source_type": "text", "copies": 64, "text": text})
    corpus = [r for r in rows if r["partner"] != "control"]
    for name, some in (("corpus.jsonl", corpus), ("control.jsonl", [r for r in rows if r["partner"] == "control"])):
        with open(at(name), "w", encoding="utf-8") as f:
            f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in some)
    run(os.path.join(args.bin, "jangbu-train-tokenizer"), "--out", at("tokenizer.json"), "--vocab", "1000", at("corpus.jsonl"))

    # As it stands in the corpus, spaces and all: the model learnt canonical text.
    memory = Memory([r["text"] for r in corpus if r["copies"] == 64])
    url = serve(memory)
    run(jangbu, "audit", "plan", "--corpus", at("corpus.jsonl"), "--control", at("control.jsonl"), "--tokenizer", at("tokenizer.json"),
        "--seed", str(args.seed), "--windows", str(args.windows), "--control-windows", str(args.windows), "--attacks", "--samples", "1",
        "--secret", at("key"), "-o", at("plan"))

    def ask(record, *more):
        return [jangbu, "audit", "run", at("plan"), "--endpoint", url, "--record", at(record), "--secret", at("key"),
                "--attempts", "30", "--concurrency", "4", "--json", *more]

    def report(record, where):
        run(jangbu, "audit", "report", at("plan"), "--record", at(record), "--secret", at("key"), "--dir", at(where),
            "--title", "감사 <script>", "--made-at", "2026-11-25", "--sign-key", at("sign.key"), "--json")
        files = {}
        for name in ("report.json", "report.ko.html", "report.en.html"):
            with open(os.path.join(at(where), name), "rb") as f:
                files[name] = f.read()
        return files

    run(*ask("undisturbed"))
    want = report("undisturbed", "report")
    questions = len(memory.answered)

    memory.answered.clear()
    memory.faults = random.Random(args.seed)
    kills = 0
    runs = 0
    while True:
        runs += 1
        process = subprocess.Popen(ask("killed", *(["--stream"] if runs % 2 == 0 else [])), env=env,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            if kills < args.kills:
                process.wait(timeout=rng.uniform(0.05, 1.2))
            code = process.wait() if kills >= args.kills else process.returncode
            if code == 0:
                break
            raise SystemExit(f"the audit ended with {code}: {process.stderr.read()}")
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
    again = sum(n - 1 for n in memory.answered.values())
    got = report("killed", "report-killed")
    for name, bytes_ in want.items():
        if got[name] != bytes_:
            raise SystemExit(f"{name} differs from that of the undisturbed run")
    run(jangbu, "audit", "verify", at("plan"), "--record", at("killed"), "--secret", at("key"), "--dir", at("report-killed"),
        "--title", "감사 <script>", "--made-at", "2026-11-25")
    # A question whose answer was on its way when the process died is asked once more: at most four a kill.
    if again > 4 * kills:
        raise SystemExit(f"{again} questions were asked again after {kills} kills")
    figures = json.loads(want["report.json"])
    print(f"{questions} questions, {kills} kills, {memory.count} requests with faults, {again} answered twice; "
          f"same bytes ({sum(map(len, want.values()))}); {len(figures['findings'])} findings, verdict {figures['verdict']}")
    if not args.keep:
        shutil.rmtree(root)


if __name__ == "__main__":
    sys.exit(main())
