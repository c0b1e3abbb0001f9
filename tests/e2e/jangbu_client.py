"""A client made of nothing but grpcio and the stubs that protoc's own Python plug-in generates."""

import hashlib

import grpc

from jangbu.v1 import admin_pb2, admin_pb2_grpc, common_pb2, contribute_pb2, contribute_pb2_grpc
from jangbu.v1 import ledger_pb2, ledger_pb2_grpc, log_pb2, log_pb2_grpc

DEADLINE_S = 120


class Client:
    def __init__(self, address, key, credentials=None):
        options = [("grpc.max_receive_message_length", 64 << 20), ("grpc.max_send_message_length", -1)]
        if credentials is None:
            self.channel = grpc.insecure_channel(address, options=options)
        else:
            self.channel = grpc.secure_channel(address, credentials, options=options)
        self.metadata = [("authorization", f"Bearer {key}")] if key else []
        self.contribute = contribute_pb2_grpc.ContributeServiceStub(self.channel)
        self.ledger = ledger_pb2_grpc.LedgerServiceStub(self.channel)
        self.log = log_pb2_grpc.LogServiceStub(self.channel)
        self.admin = admin_pb2_grpc.AdminServiceStub(self.channel)

    def call(self, method, request):
        return method(request, metadata=self.metadata, timeout=DEADLINE_S)

    # ---- the operator's side ----

    def add_partner(self, partner_id, name=""):
        """Adds a partner; a key of its own."""
        self.call(self.admin.AddPartner, admin_pb2.AddPartnerRequest(partner_id=partner_id, name=name))
        return self.issue_key(common_pb2.ROLE_PARTNER, partner_id)

    def issue_key(self, role, partner_id="", person="김하나"):
        return self.call(self.admin.IssueKey,
                         admin_pb2.IssueKeyRequest(partner_id=partner_id, role=role, person=person)).secret

    def confirm(self, *release):
        return self.call(self.admin.RunConfirmation, admin_pb2.RunConfirmationRequest(
            release_partner_ids=release, reason="a test" if release else ""))

    # ---- the partner's side ----

    def create_corpus(self, title, source_type=common_pb2.SOURCE_TYPE_ARTICLE, **fields):
        return self.call(self.contribute.CreateCorpus, contribute_pb2.CreateCorpusRequest(
            title=title, source_type=source_type, rights="자체 저작물", **fields)).corpus.corpus_id

    def create_upload(self, corpus_id, request_id):
        return self.call(self.contribute.CreateUpload, contribute_pb2.CreateUploadRequest(
            corpus_id=corpus_id, request_id=request_id)).upload.upload_id

    def pieces(self, upload_id, files, size=256 << 10):
        """Messages of UploadFiles for [(path, bytes)]."""
        for number, (path, data) in enumerate(files):
            for offset in range(0, max(len(data), 1), size):
                piece = data[offset:offset + size]
                last = offset + size >= len(data)
                yield contribute_pb2.UploadFilesRequest(
                    upload_id=upload_id, file=number, path=path if offset == 0 else "", offset=offset, data=piece,
                    last=last, sha256=hashlib.sha256(data).digest() if last else b"")

    def send(self, upload_id, files):
        """Sends files; {number: last answer}."""
        answers = {}
        for answer in self.call(self.contribute.UploadFiles, self.pieces(upload_id, files)):
            answers[answer.file] = answer
        return answers

    def upload(self, corpus_id, request_id, files):
        """Sends files, seals, waits until all have their verdicts; the upload."""
        upload_id = self.create_upload(corpus_id, request_id)
        answers = self.send(upload_id, files)
        assert all(answer.complete for answer in answers.values()), answers
        self.call(self.contribute.SealUpload,
                  contribute_pb2.SealUploadRequest(upload_id=upload_id, file_count=len(files)))
        upload = None
        for told in self.call(self.contribute.WatchUpload, contribute_pb2.WatchUploadRequest(upload_id=upload_id)):
            upload = told.upload
        return upload

    def verdicts(self, upload_id, **filters):
        return [row.verdict for row in self.call(self.contribute.ListVerdicts, contribute_pb2.ListVerdictsRequest(
            upload_id=upload_id, **filters))]

    def receipt(self, upload_id):
        return self.call(self.contribute.GetReceipt,
                         contribute_pb2.GetReceiptRequest(upload_id=upload_id)).receipt

    def balance(self, **fields):
        return self.call(self.ledger.GetBalance, ledger_pb2.GetBalanceRequest(**fields)).balance

    def checkpoint(self, fresh=False):
        return self.call(self.log.GetCheckpoint, log_pb2.GetCheckpointRequest(fresh=fresh))


def reason(error):
    """The stable reason code of a grpc.RpcError."""
    return dict(error.trailing_metadata() or ()).get("jangbu-reason", "")
