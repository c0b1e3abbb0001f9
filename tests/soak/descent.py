#!/usr/bin/env python3
"""Models of known descent, disguised in every way that is known here, each compared by the built program.

    descent.py BIN MODELS --control DIR --control DIR [--only TEXT]

MODELS holds A, B (unrelated), A-ft (A trained on), A-perm (A disguised) and A-step0 (A's start), each a LLaMA of
safetensors in f16 with config.json and tokenizer.model; the controls are further unrelated models of the same shape.
Every row is one `jangbu provenance compare`; the end is 1 when a verdict is not one of those allowed for it. Needs numpy.
"""

import argparse
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np

SEED = 7


def load(directory):
    blob = (directory / "model.safetensors").read_bytes()
    size, = struct.unpack_from("<Q", blob)
    head, base = json.loads(blob[8:8 + size]), 8 + size
    kinds = {"F16": np.float16, "F32": np.float32}
    return {name: np.frombuffer(blob[base + about["data_offsets"][0]:base + about["data_offsets"][1]],
                                dtype=kinds[about["dtype"]]).astype(np.float32).reshape(about["shape"])
            for name, about in head.items() if name != "__metadata__"}


def encoded(tensor, kind):
    if kind == "F32":
        return tensor.astype("<f4").tobytes()
    if kind == "F16":
        return tensor.astype("<f2").tobytes()
    bits = np.ascontiguousarray(tensor, "<f4").view("<u4")  # bf16, to the nearest, ties to even
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()


def store(directory, tensors, like, kind="F16", shards=1, backwards=False, layers=None):
    """Writes a model; its directory."""
    directory.mkdir(parents=True)
    names, where = sorted(tensors, reverse=backwards), {}
    for shard in range(shards):
        file = "model.safetensors" if shards == 1 else f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        head, at, parts = {}, 0, []
        for name in names[shard::shards]:
            part = encoded(tensors[name], kind)
            head[name] = {"dtype": kind, "shape": list(tensors[name].shape), "data_offsets": [at, at + len(part)]}
            at += len(part)
            parts.append(part)
            where[name] = file
        text = json.dumps(head).encode()
        text += b" " * (-len(text) % 8)
        (directory / file).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))
    if shards > 1:
        (directory / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    config = json.loads((like / "config.json").read_text())
    if layers:
        config["num_hidden_layers"] = layers
    (directory / "config.json").write_text(json.dumps(config))
    shutil.copy(like / "tokenizer.model", directory)
    return directory


class Disguises:
    """Changes of a model; what they return is tensors."""

    def __init__(self, config):
        self.random = np.random.default_rng(SEED)
        self.layers, self.width = config["num_hidden_layers"], config["hidden_size"]
        self.heads = config["num_attention_heads"]
        assert config.get("num_key_value_heads", self.heads) == self.heads, "grouped heads are not permuted here"

    def gauss(self, like):
        return self.random.standard_normal(like.shape).astype(np.float32) * like.std()

    def noise(self, model, share):
        return {k: v + share * self.gauss(v) if v.ndim == 2 else v for k, v in model.items()}

    def pruned(self, model, share):
        return {k: np.where(np.abs(v) < np.quantile(np.abs(v), share), 0, v).astype(np.float32) if v.ndim == 2 else v
                for k, v in model.items()}

    def mixed(self, model, other, share):
        return {k: share * v + (1 - share) * other[k] for k, v in model.items()}

    def new_embeddings(self, model):
        out = dict(model)
        for name in ("model.embed_tokens.weight", "lm_head.weight"):
            if name in out:
                out[name] = self.gauss(model[name])
        return out

    def upscaled(self, model, first, last):
        """Layers first … last − 1 stand twice, as blocks one after the other; (tensors, how many layers)."""
        order = [*range(last), *range(first, self.layers)]
        out = {k: v for k, v in model.items() if ".layers." not in k}
        for to, source in enumerate(order):
            stem = f"model.layers.{source}."
            out |= {f"model.layers.{to}.{k[len(stem):]}": v for k, v in model.items() if k.startswith(stem)}
        return out, len(order)

    def rotated(self, model):
        """The residual stream turned, gains folded into the matrices that read it: the same function."""
        turn, _ = np.linalg.qr(self.random.standard_normal((self.width, self.width)))
        turn = turn.astype(np.float32)
        out = {k: np.ones_like(v) for k, v in model.items() if v.ndim == 1}
        for layer in range(self.layers):
            stem = f"model.layers.{layer}."
            before_attention, before_ffn = (model[stem + n + ".weight"] for n in ("input_layernorm", "post_attention_layernorm"))
            for name in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"):
                out[f"{stem}{name}.weight"] = (model[f"{stem}{name}.weight"] * before_attention) @ turn
            for name in ("mlp.gate_proj", "mlp.up_proj"):
                out[f"{stem}{name}.weight"] = (model[f"{stem}{name}.weight"] * before_ffn) @ turn
            for name in ("self_attn.o_proj", "mlp.down_proj"):
                out[f"{stem}{name}.weight"] = turn.T @ model[f"{stem}{name}.weight"]
        embeddings = model["model.embed_tokens.weight"]
        head = model.get("lm_head.weight", embeddings)
        out["model.embed_tokens.weight"] = embeddings @ turn
        out["lm_head.weight"] = (head * model["model.norm.weight"]) @ turn
        return out

    def heads_moved(self, model):
        """Heads permuted, queries against keys and values against outputs rescaled: the same function."""
        out, size = dict(model), self.width // self.heads
        for layer in range(self.layers):
            stem = f"model.layers.{layer}.self_attn."
            order = self.random.permutation(self.heads)
            key_scale, value_scale = (np.exp(.5 * self.random.standard_normal(self.heads)).astype(np.float32)[:, None, None]
                                      for _ in range(2))

            def moved(name):
                return model[f"{stem}{name}.weight"].reshape(self.heads, size, self.width)[order]

            out[stem + "q_proj.weight"] = (moved("q_proj") * key_scale).reshape(self.width, self.width)
            out[stem + "k_proj.weight"] = (moved("k_proj") / key_scale).reshape(self.width, self.width)
            out[stem + "v_proj.weight"] = (moved("v_proj") * value_scale).reshape(self.width, self.width)
            outputs = model[stem + "o_proj.weight"].T.reshape(self.heads, size, self.width)[order] / value_scale
            out[stem + "o_proj.weight"] = outputs.reshape(self.width, self.width).T.copy()
        return out


DERIVED, PERHAPS, APART, NONE = {"derived"}, {"derived", "inconclusive"}, {"independent"}, {"inconclusive"}


def rows(models, work):
    """(name, subject, reference, verdicts allowed, options)"""
    a, b, tuned, disguised, start = (models / name for name in ("A", "B", "A-ft", "A-perm", "A-step0"))
    begun = ["--start", start]
    yield "B and A: trained apart", b, a, APART, []
    yield "A-ft and A: trained on", tuned, a, DERIVED, []
    yield "A-perm and A: permuted, rotated", disguised, a, DERIVED, []
    yield "A and its own start", a, start, NONE, []
    yield "A-ft and A, the start given", tuned, a, DERIVED, begun
    yield "B and A, the start given", b, a, APART, begun
    for name in ("order", "shards", "f32", "bf16"):
        written = {}
        for model in (a, b, tuned, disguised):
            how = {"order": {"backwards": True}, "shards": {"shards": 3}, "f32": {"kind": "F32"},
                   "bf16": {"kind": "BF16", "shards": 2, "backwards": True}}[name]
            written[model] = store(work / f"{model.name}.{name}", load(model), model, **how)
        yield f"{name}: B and A", written[b], written[a], APART, []
        yield f"{name}: A-ft and A", written[tuned], written[a], DERIVED, []
        yield f"{name}: A-perm and A", written[disguised], written[a], DERIVED, []
    for subject in (b, tuned, disguised):
        yield f"no controls: {subject.name} and A", subject, a, NONE, None
    config = json.loads((a / "config.json").read_text())
    make, whole, other = Disguises(config), load(a), load(b)
    upscaled, layers = make.upscaled(whole, 2, config["num_hidden_layers"])
    turned = make.rotated(whole)
    for name, tensors, allowed, more in (
            ("rotated", turned, DERIVED, {}), ("rotated, new embeddings", make.new_embeddings(turned), DERIVED, {}),
            ("trained on, rotated", make.rotated(load(tuned)), DERIVED, {}),
            ("heads permuted and rescaled", make.heads_moved(whole), DERIVED, {}),
            ("rotated, heads moved, 5 % noise", make.noise(make.heads_moved(turned), .05), PERHAPS, {}),
            ("layers doubled", upscaled, DERIVED, {"layers": layers}),
            ("30 % pruned", make.pruned(whole, .3), DERIVED, {}), ("60 % pruned", make.pruned(whole, .6), PERHAPS, {}),
            ("5 % noise", make.noise(whole, .05), DERIVED, {}), ("50 % noise", make.noise(whole, .5), PERHAPS, {}),
            ("new embeddings", make.new_embeddings(whole), DERIVED, {}),
            ("half A, half B", make.mixed(whole, other, .5), PERHAPS, {}),
            ("a quarter A", make.mixed(whole, other, .25), PERHAPS, {})):
        directory = work / f"disguise-{name.replace(' ', '-').replace('%', 'pc')}"
        yield name, store(directory, tensors, a, kind="F32", **more), a, allowed, []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("models", type=pathlib.Path)
    parser.add_argument("--control", type=pathlib.Path, action="append", default=[])
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="jangbu-descent."))
    controls = [part for control in options.control for part in ("--independent", control)]
    wrong = compared = 0
    print(f"{'':34} {'verdict':13} grounds (seed {SEED})", flush=True)
    try:
        for name, subject, reference, allowed, more in rows(options.models, work):
            if options.only not in name:
                continue
            out, begun = work / "dossier", time.monotonic()
            done = subprocess.run([options.bin / "jangbu", "provenance", "compare", subject, reference, "-o", out,
                                   *([] if more is None else [*controls, *more])], capture_output=True, text=True)
            # 1: a finding, which is an answer.
            answer, grounds = f"error {done.returncode}", done.stderr.strip()[-200:]
            if (work / "dossier.json").exists():
                verdict = json.loads((work / "dossier.json").read_text())["verdict"]
                answer = verdict["answer"]
                grounds = " ".join([ground["code"] for ground in verdict["grounds"]])
                os.unlink(work / "dossier.json")
            compared += 1
            wrong += answer not in allowed
            print(f"{name:34} {answer:13} {grounds}{'' if answer in allowed else '   WRONG'}"
                  f" ({time.monotonic() - begun:.0f} s)", flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{compared} comparisons, {wrong} wrong")
    return 1 if wrong or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
