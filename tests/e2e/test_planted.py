"""Nothing readable at rest: planted sentences, titles, names of files and documents are searched for in every byte that
the server keeps or writes, while it runs, after it was killed, and after it stopped."""

import signal
import threading

import grpc

import jangbu_e2e
from jangbu.v1 import contribute_pb2
from jangbu_client import Client

PLANTED = {
    "sentence": "세종대왕의비밀문장은아무도모르는푸른달빛아래묻혀있다",
    "spaced sentence": "아무도 모르는 푸른 달빛 아래 은빛 여우가 조용히 울었다",
    "title of a corpus": "플랜티드말뭉치제목하나",
    "title of a document": "플랜티드문서제목둘",
    "id of a document": "planted-document-id-4711",
    "name of a file": "planted_file_name_0815",
    "name of a folder": "플랜티드폴더",
    "rights": "플랜티드권리근거셋",
    "latin sentence": "The quick planted fox jumps over nobody's lazy ledger",
    "text of a feed": "피드로들어온플랜티드문장넷은여기에도저기에도없다",
    "id in a feed": "planted-feed-id-1234",
    "stream of a feed": "planted-stream-id-77",
    "request of an upload": "planted-request-id-88",
    "refused text": "거절된플랜티드본문다섯",
}


def forms(text):
    """The byte strings a text could be kept as."""
    bare = "".join(text.split())
    for form in {text, bare, bare.lower(), text.lower()}:
        yield form.encode()
        yield form.encode("utf-16-le")
        yield form.encode("utf-16-be")
        if any(ord(c) > 127 for c in form):
            yield form.encode("cp949")
    # A long run out of the middle, so that a text cut by a block's end is found too.
    middle = bare[len(bare) // 4:len(bare) // 4 + 8]
    yield middle.encode()


class Planted(jangbu_e2e.ServerTest):
    def search(self, when):
        """Every file below the server's work directory, the journal's, store's and logs' alike."""
        needles = [(what, form) for what, text in PLANTED.items() for form in forms(text)]
        searched = 0
        for path in sorted(self.server.work.rglob("*")):
            if not path.is_file():
                continue
            for what, text in PLANTED.items():
                self.assertNotIn(text, str(path), f"{what} in a path, {when}")
            try:
                data = path.read_bytes()
            except FileNotFoundError:  # the store tidies up while it runs
                continue
            searched += len(data)
            for what, form in needles:
                self.assertNotIn(form, data, f"{what} in {path}, {when}")
        self.assertGreater(searched, 10_000)

    def test_nothing_planted_is_found(self):
        operator = Client(self.server.address, self.server.operator_key())
        key = operator.add_partner("hanbit")
        partner = Client(self.server.address, key)
        corpus = partner.create_corpus(PLANTED["title of a corpus"], licence=PLANTED["rights"])
        line = ('{"id":"%s","title":"%s","text":"%s\\n%s\\n%s"}\n' % (
            PLANTED["id of a document"], PLANTED["title of a document"], PLANTED["sentence"],
            PLANTED["spaced sentence"], PLANTED["latin sentence"])).encode()
        name = PLANTED["name of a folder"] + "/" + PLANTED["name of a file"]
        files = [
            (name + ".jsonl", line * 3),
            (name + ".txt", (PLANTED["sentence"] + "\n" + PLANTED["spaced sentence"]).encode("cp949")),
            (name + ".bin", b"\x00\x01" + PLANTED["refused text"].encode()),
            (name + ".broken.jsonl", b'{"text": "' + PLANTED["refused text"].encode()),
        ]
        # Staged and not yet complete: the first half of a file that never ends.
        open_upload = partner.create_upload(corpus, "half")
        release = threading.Event()

        def half():
            yield contribute_pb2.UploadFilesRequest(upload_id=open_upload, path=name + ".half.txt",
                                                    data=(PLANTED["sentence"] * 2000).encode())
            release.wait(timeout=60)

        stream = partner.call(partner.contribute.UploadFiles, half())
        self.assertGreater(next(stream).acknowledged, 0)
        self.search("while a file is staged")
        upload = partner.upload(corpus, PLANTED["request of an upload"], files)
        self.assertGreater(upload.counts.accepted, 0)
        self.assertGreater(upload.counts.rejected, 0)
        feed = list(partner.call(partner.contribute.Contribute, iter([contribute_pb2.ContributeRequest(
            corpus_id=corpus, stream_id=PLANTED["stream of a feed"], document_id=PLANTED["id in a feed"],
            text=PLANTED["text of a feed"], title=PLANTED["title of a document"])])))
        self.assertEqual(len(feed), 1)
        # Errors that name what was wrong reach the client, and no log.
        with self.assertRaises(grpc.RpcError):
            partner.create_corpus(PLANTED["title of a corpus"] + "\n")
        # It is all there for its owner.
        rows = partner.verdicts(upload.upload_id)
        self.assertEqual(rows[0].file, name + ".jsonl")
        self.assertEqual(rows[0].document_id, PLANTED["id of a document"])
        self.search("while it runs")
        release.set()
        self.server.stop(signal.SIGKILL)
        self.search("after a kill")
        self.server.start()
        partner = Client(self.server.address, key)
        operator = Client(self.server.address, self.server.operator_key())
        operator.confirm("hanbit")
        self.assertEqual(len(partner.verdicts(upload.upload_id)), len(rows))
        self.assertEqual(self.server.stop(), 0)
        self.search("after it stopped")
        # The keys are nowhere either: not the partner's, not the operator's but in its own file.
        for path in self.server.work.rglob("*"):
            if path.is_file() and path.name != "operator.key":
                data = path.read_bytes()
                self.assertNotIn(key.split("_")[3].encode(), data, str(path))  # jb_live_ID_SECRET_CHECKSUM
                if path.name != "data.master-key":
                    master = (self.server.work / "data.master-key").read_text().strip()
                    self.assertNotIn(master.encode(), data, str(path))
                    self.assertNotIn(bytes.fromhex(master), data, str(path))

    def test_the_search_finds_what_is_there(self):
        planted = self.server.work / "proof.txt"
        planted.write_bytes("앞 ".encode() + PLANTED["sentence"].encode("utf-16-le"))
        try:
            with self.assertRaises(AssertionError):
                self.search("planted by the test")
        finally:
            planted.unlink()


if __name__ == "__main__":
    jangbu_e2e.main()
