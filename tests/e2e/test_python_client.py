"""A client in another language, from upload to receipt."""

import grpc

import jangbu_e2e
from jangbu.v1 import admin_pb2, common_pb2, contribute_pb2, ledger_pb2
from jangbu_client import Client, reason


class PythonClient(jangbu_e2e.ServerTest):
    OPTIONS = ("--policy", "lot_documents_min=10", "--policy", "lot_document_share_percent_max=100",
               "--policy", "membership_threshold_words=1000")

    def setUp(self):
        self.operator = Client(self.server.address, self.server.operator_key())

    def test_from_upload_to_credit(self):
        partner = Client(self.server.address, self.operator.add_partner("hanbit", "한빛 신문"))
        corpus = partner.create_corpus("한빛 기사")
        lines = jangbu_e2e.json_lines("first", 200)
        text = "\n".join(jangbu_e2e.sentences("text", 30)).encode("utf-16")
        cp949 = "\n".join(jangbu_e2e.sentences("cp949", 30)).encode("cp949")
        upload = partner.upload(corpus, "r1", [("기사/1월.jsonl", lines), ("옛글.txt", cp949), ("새글.txt", text),
                                               ("그림.png", b"\x89PNG\r\n\x1a\n" + bytes(100))])
        self.assertEqual(upload.state, common_pb2.UPLOAD_STATE_DONE)
        self.assertEqual(upload.files, 4)
        self.assertEqual(upload.counts.documents, 203)
        self.assertEqual(upload.counts.accepted, 202)
        self.assertEqual(upload.counts.rejected, 1)
        self.assertEqual(upload.processed_bytes, upload.bytes)

        rows = partner.verdicts(upload.upload_id)
        self.assertEqual(len(rows), 203)
        self.assertEqual((rows[0].file, rows[0].record), ("기사/1월.jsonl", 1))
        self.assertEqual(rows[0].document_id, "문서-first-0")
        self.assertEqual([row.record for row in rows[:200]], list(range(1, 201)))
        self.assertEqual(sum(row.words for row in rows), upload.counts.words)
        # 60 어절 a document of 5 sentences.
        self.assertEqual(rows[0].words, 60)
        rejected = partner.verdicts(upload.upload_id, verdicts=[common_pb2.VERDICT_REJECTED])
        self.assertEqual([row.file for row in rejected], ["그림.png"])
        self.assertTrue(rejected[0].reason)

        # The same text again is a duplicate of one's own.
        again = partner.upload(corpus, "r2", [("다시.jsonl", lines)])
        self.assertEqual(again.counts.exact_duplicate, 200)
        self.assertEqual(again.counts.novel_korean_tokens, 0)
        self.assertTrue(partner.verdicts(again.upload_id)[0].duplicate_of.startswith("hanbit/u1#"))

        balance = partner.balance()
        self.assertEqual(balance.provisional_korean_tokens, upload.counts.novel_korean_tokens)
        self.assertEqual(balance.confirmed_korean_tokens, 0)
        run = self.operator.confirm()
        self.assertGreater(len(run.lots), 0)
        balance = partner.balance()
        self.assertEqual(balance.provisional_korean_tokens, 0)
        self.assertEqual(balance.confirmed_korean_tokens, upload.counts.novel_korean_tokens // 1000 * 1000)
        self.assertTrue(balance.member)
        self.assertEqual(balance.entitlement_available, balance.confirmed_korean_words)
        transfers = partner.call(partner.ledger.ListTransfers, ledger_pb2.ListTransfersRequest()).transfers
        self.assertEqual({transfer.code for transfer in transfers} >= {"provisional", "provisional_settled",
                                                                       "confirmed"}, True)
        self.assertGreater(len(partner.receipt(upload.upload_id)), 100)

    def test_a_feed(self):
        partner = Client(self.server.address, self.operator.add_partner("feeder"))
        corpus = partner.create_corpus("속보")

        def documents(count):
            for number in range(count):
                yield contribute_pb2.ContributeRequest(
                    corpus_id=corpus, stream_id="feed", document_id=f"n-{number}",
                    text="\n".join(jangbu_e2e.sentences(f"feed/{number}", 3)))

        first = list(partner.call(partner.contribute.Contribute, documents(500)))
        self.assertEqual([answer.document_id for answer in first], [f"n-{n}" for n in range(500)])
        self.assertFalse(any(answer.replayed or answer.error_reason for answer in first))
        # A client that lost its connection sends all of it again, and a little more.
        second = list(partner.call(partner.contribute.Contribute, documents(510)))
        self.assertEqual(sum(answer.replayed for answer in second), 500)
        self.assertEqual([a.verdict for a in second[:500]], [a.verdict for a in first])
        self.assertEqual(partner.balance().counts.documents, 510)

    def test_messages_in_korean_and_reasons_reach_the_client(self):
        partner = Client(self.server.address, self.operator.add_partner("errors"))
        with self.assertRaises(grpc.RpcError) as raised:
            partner.create_upload("errors/77", "r")
        self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)
        self.assertEqual(reason(raised.exception), "no_such_corpus")
        with self.assertRaises(grpc.RpcError) as raised:
            partner.call(partner.admin.AddPartner, admin_pb2.AddPartnerRequest(partner_id="x1"))
        self.assertEqual(raised.exception.code(), grpc.StatusCode.PERMISSION_DENIED)
        with self.assertRaises(grpc.RpcError) as raised:
            Client(self.server.address, "").balance()
        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAUTHENTICATED)


if __name__ == "__main__":
    jangbu_e2e.main()
