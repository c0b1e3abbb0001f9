"""Strangers, rivals and liars: other partners' ids, forged tokens, messages that are too large, rude connections."""

import concurrent.futures
import socket
import threading

import grpc

import jangbu_e2e
from jangbu.v1 import admin_pb2, common_pb2, contribute_pb2, ledger_pb2, log_pb2
from jangbu_client import Client, reason


class Hostile(jangbu_e2e.ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.operator = Client(cls.server.address, cls.server.operator_key())
        cls.hanbit = Client(cls.server.address, cls.operator.add_partner("hanbit"))
        cls.rival = Client(cls.server.address, cls.operator.add_partner("rival"))
        cls.corpus = cls.hanbit.create_corpus("한빛의 비밀 말뭉치")
        cls.upload = cls.hanbit.upload(cls.corpus, "r", [("비밀.jsonl", jangbu_e2e.json_lines("secret", 30))])

    def refused(self, call, *arguments, **fields):
        """The error of a call that must fail, streams read to their end."""
        with self.assertRaises(grpc.RpcError) as raised:
            answer = call(*arguments, **fields)
            if hasattr(answer, "__iter__"):
                list(answer)
        return raised.exception

    def test_what_is_anothers_does_not_exist(self):
        rival = self.rival
        calls = {
            "GetUpload": lambda i: rival.call(rival.contribute.GetUpload, contribute_pb2.GetUploadRequest(upload_id=i)),
            "ListVerdicts": rival.verdicts,
            "ListStagedFiles": lambda i: rival.call(rival.contribute.ListStagedFiles,
                                                    contribute_pb2.ListStagedFilesRequest(upload_id=i)),
            "SealUpload": lambda i: rival.call(rival.contribute.SealUpload,
                                               contribute_pb2.SealUploadRequest(upload_id=i, file_count=1)),
            "CancelUpload": lambda i: rival.call(rival.contribute.CancelUpload,
                                                 contribute_pb2.CancelUploadRequest(upload_id=i)),
            "WatchUpload": lambda i: rival.call(rival.contribute.WatchUpload,
                                                contribute_pb2.WatchUploadRequest(upload_id=i)),
            "GetReceipt": rival.receipt,
            "UploadFiles": lambda i: rival.call(rival.contribute.UploadFiles, iter(
                [contribute_pb2.UploadFilesRequest(upload_id=i, path="a", data=b"x", last=True)])),
        }
        for name, call in calls.items():
            told = set()
            for upload_id in ("hanbit/u1", "hanbit/u2", "hanbit/u4294967295", "nobody/u1", "rival/u1"):
                with self.subTest(call=name, id=upload_id):
                    error = self.refused(call, upload_id)
                    self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)
                    told.add((reason(error), error.details().replace(upload_id, "ID")))
            self.assertEqual(len(told), 1, name)
        self.assertEqual(self.refused(rival.create_upload, self.corpus, "r").code(), grpc.StatusCode.NOT_FOUND)
        self.assertEqual(self.refused(rival.balance, partner_id="hanbit").code(), grpc.StatusCode.NOT_FOUND)
        # Nothing happened to it.
        self.assertEqual(self.hanbit.call(self.hanbit.contribute.GetUpload, contribute_pb2.GetUploadRequest(
            upload_id=self.upload.upload_id)).upload.state, common_pb2.UPLOAD_STATE_DONE)

    def test_what_everybody_may_call_shows_nothing_of_others(self):
        rival = self.rival
        answers = [
            rival.call(rival.contribute.ListCorpora, contribute_pb2.ListCorporaRequest()),
            rival.call(rival.contribute.ListUploads, contribute_pb2.ListUploadsRequest()),
            rival.call(rival.ledger.ListTransfers, ledger_pb2.ListTransfersRequest()),
            rival.call(rival.admin.GetServerInfo, admin_pb2.GetServerInfoRequest()),
            rival.checkpoint(), rival.balance(),
            rival.call(rival.log.ProveInclusion, log_pb2.ProveInclusionRequest(index=3)),
        ]
        for answer in answers:
            self.assertNotIn(b"hanbit", answer.SerializeToString())
            self.assertNotIn("비밀".encode(), answer.SerializeToString())
        self.assertEqual(rival.balance().counts, common_pb2.Counts())

    def test_ids_that_nobody_wrote(self):
        for upload_id in ("", "u1", "hanbit", "hanbit/1", "hanbit/u0", "hanbit/u01", "hanbit/u-1", "hanbit/u1/", "../u1",
                          "hanbit/u99999999999", "hanbit/u1#", "HANBIT/u1", "한빛/u1", "a" * 100_000, "hanbit/u1\x00"):
            error = self.refused(self.hanbit.verdicts, upload_id)
            self.assertEqual((error.code(), reason(error)), (grpc.StatusCode.INVALID_ARGUMENT, "bad_upload_id"),
                             upload_id[:40])

    def test_forged_page_tokens(self):
        partner = Client(self.server.address, self.operator.add_partner("pages"))
        corpus = partner.create_corpus("쪽")
        for number in range(7):
            partner.create_upload(corpus, f"r{number}")
        seen, token = [], ""
        while True:
            page = partner.call(partner.contribute.ListUploads,
                                contribute_pb2.ListUploadsRequest(page_size=3, page_token=token))
            seen += [upload.upload_id for upload in page.uploads]
            token = page.next_page_token or ""
            if not token:
                break
            last = token
        self.assertEqual(seen, [f"pages/u{number}" for number in range(1, 8)])
        for forged in ("x", "AAAA", last[:-1], last + "A", last.swapcase(), "%00", "A" * 5000,
                       "AQAAAAAAAAAA//////////8B/////w8="):
            error = self.refused(partner.call, partner.contribute.ListUploads,
                                 contribute_pb2.ListUploadsRequest(page_size=3, page_token=forged))
            self.assertEqual(reason(error), "bad_page_token", forged[:40])
        # In a rival's hands it shows the rival's own, or nothing.
        page = self.rival.call(self.rival.contribute.ListUploads,
                               contribute_pb2.ListUploadsRequest(page_size=3, page_token=last))
        self.assertNotIn(b"pages", page.SerializeToString())
        error = self.refused(partner.call, partner.contribute.ListUploads,
                             contribute_pb2.ListUploadsRequest(page_size=100_000))
        self.assertEqual(reason(error), "bad_page_size")

    def test_forged_offsets_and_files(self):
        upload_id = self.hanbit.create_upload(self.corpus, "offsets")

        def send(**fields):
            return list(self.hanbit.call(self.hanbit.contribute.UploadFiles, iter(
                [contribute_pb2.UploadFilesRequest(upload_id=upload_id, **fields)])))[-1]

        self.assertEqual(send(file=0, path="a.txt", data=b"12345").acknowledged, 5)
        self.assertEqual(send(file=0, path="a.txt", offset=7, data=b"x").error_reason, "offset_mismatch")
        self.assertEqual(send(file=0, path="a.txt", offset=2**63, data=b"x").error_reason, "offset_mismatch")
        self.assertEqual(send(file=0, path="b.txt", offset=5, data=b"x").error_reason, "path_mismatch")
        for path in ("", "p" * 4097):
            self.assertEqual(send(file=1, path=path, data=b"x").error_reason, "bad_path", path[:9])
        self.assertTrue(send(file=0, path="a.txt", offset=5, data=b"6789", last=True).complete)
        self.assertEqual(send(file=0, path="a.txt", offset=9, data=b"x").error_reason, "file_already_complete")
        error = self.refused(self.hanbit.call, self.hanbit.contribute.SealUpload,
                             contribute_pb2.SealUploadRequest(upload_id=upload_id, file_count=3))
        self.assertEqual(reason(error), "files_missing")

    def test_messages_that_are_too_large(self):
        hanbit = self.hanbit
        upload_id = hanbit.create_upload(self.corpus, "large")
        error = self.refused(hanbit.call, hanbit.contribute.UploadFiles, iter(
            [contribute_pb2.UploadFilesRequest(upload_id=upload_id, path="a", data=bytes((1 << 20) + 1))]))
        self.assertEqual((error.code(), reason(error)), (grpc.StatusCode.RESOURCE_EXHAUSTED, "message_too_large"))
        error = self.refused(hanbit.create_corpus, "x" * (17 << 20))
        self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        error = self.refused(hanbit.create_corpus, "x" * (80 << 20))
        self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        # A document of a feed that is too large is rejected alone; one without a proper id is refused alone.
        answers = list(hanbit.call(hanbit.contribute.Contribute, iter([
            contribute_pb2.ContributeRequest(corpus_id=self.corpus, stream_id="large", document_id="too-large",
                                             text="가" * ((64 << 20) // 3 + 1)),
            contribute_pb2.ContributeRequest(document_id="x" * 257, text="가나다라"),
            contribute_pb2.ContributeRequest(document_id="", text="가나다라"),
            contribute_pb2.ContributeRequest(document_id="fine", text=jangbu_e2e.sentences("fine", 1)[0]),
        ])))
        self.assertEqual([answer.error_reason for answer in answers], ["", "bad_document_id", "bad_document_id", ""])
        self.assertEqual([answer.verdict.reason for answer in answers], ["record_too_large", "", "", ""])

    def test_a_flood_of_one_partner_leaves_room_for_others(self):
        partner = Client(self.server.address, self.operator.add_partner("flood"))
        upload_id = partner.create_upload(partner.create_corpus("넘침"), "flood")
        clients = [Client(self.server.address, "") for _ in range(4)]
        stop = threading.Event()
        reasons = set()

        def watch(number):
            client = clients[number % len(clients)]
            call = client.contribute.WatchUpload(contribute_pb2.WatchUploadRequest(upload_id=upload_id),
                                                 metadata=partner.metadata, timeout=120)
            try:
                next(call)
                stop.wait(timeout=100)
                call.cancel()
            except grpc.RpcError as error:
                reasons.add(reason(error))

        with concurrent.futures.ThreadPoolExecutor(max_workers=100) as pool:
            watching = [pool.submit(watch, number) for number in range(100)]
            while not reasons and not all(one.done() for one in watching):
                stop.wait(timeout=0.05)
            self.assertEqual(self.rival.balance().partner_id, "rival")
            stop.set()
        self.assertEqual(reasons, {"too_many_calls"})

    def test_rude_connections(self):
        host, port = self.server.address.rsplit(":", 1)
        for garbage in (b"", b"GET / HTTP/1.1\r\n\r\n", bytes(100_000), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 9999,
                        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)):
            with socket.create_connection((host, int(port)), timeout=30) as connection:
                try:
                    connection.sendall(garbage)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4096):
                        pass
                except OSError:
                    pass
        self.assertEqual(self.hanbit.balance().partner_id, "hanbit")

    def test_keys_that_are_almost_right(self):
        good = self.hanbit.metadata[0][1]
        for value in (good[:-1], good + "x", good.upper(), good.replace("jb_live_", "jb_test_"), good.replace(" ", "  "),
                      "Basic " + good.split()[1], good.split()[1], "Bearer", "Bearer ", "Bearer " + "j" * 3000):
            error = self.refused(self.hanbit.ledger.GetBalance, ledger_pb2.GetBalanceRequest(),
                                 metadata=[("authorization", value)], timeout=60)
            self.assertEqual(error.code(), grpc.StatusCode.UNAUTHENTICATED, value[:30])
        error = self.refused(self.hanbit.ledger.GetBalance, ledger_pb2.GetBalanceRequest(),
                             metadata=[("authorization", good), ("authorization", good)], timeout=60)
        self.assertEqual(error.code(), grpc.StatusCode.UNAUTHENTICATED)


if __name__ == "__main__":
    jangbu_e2e.main()
