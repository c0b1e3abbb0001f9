#include "audit/provenance/dossier.h"
#include "audit/provenance/json.h"
#include "base/bytes.h"

namespace jangbu::audit {
namespace {

void WriteStrings(JsonWriter& out, std::string_view key, const std::vector<std::string>& list) {
  out.Key(key).BeginArray();
  for (const std::string& item : list) out.Text(item);
  out.EndArray();
}

void WriteFigures(JsonWriter& out, const PlainFigures& f) {
  out.Count("n", f.n).Field("cosine", f.cosine).Field("shuffled_cosine", f.shuffled_cosine);
  out.Field("pearson", f.pearson).Field("z", f.z).Field("p", f.p).Field("rms_ratio", f.ratio);
}

void WriteModel(JsonWriter& out, std::string_view key, const ModelFacts& m) {
  out.Key(key).BeginObject();
  out.Field("label", m.label).Field("content_sha256", ToHex(m.content));
  out.Field("format", m.format).Field("dtypes", m.dtypes);
  out.Count("bytes", m.bytes).Count("weights", m.elements).Count("tensors", m.tensors);
  out.Field("model_type", m.config.model_type).Field("architecture", m.config.architecture);
  out.Count("width", m.config.hidden).Count("layers", m.config.layers);
  out.Count("heads", m.config.heads).Count("kv_heads", m.config.kv_heads);
  out.Count("vocabulary", m.config.vocab);
  out.EndObject();
}

void WriteFigure(JsonWriter& out, std::string_view key, const Figure& f) {
  out.Key(key).BeginObject().Field("known", f.known);
  if (f.known) {
    out.Field("effect", f.effect).Field("z", f.z).Field("p", f.p);
    out.Field("chance_sd", f.chance_sd);
  }
  out.EndObject();
}

void WriteLikeness(JsonWriter& out, const Examination& e) {
  const Likeness& l = e.likeness;
  out.Key("likeness").BeginObject();
  out.Field("incomparable", l.incomparable).Field("basis", NameOf(l.basis));
  out.Key("basis_fit").BeginObject();
  for (size_t i = 0; i < l.basis_fit.size(); ++i)
    out.Field(NameOf(static_cast<BasisKind>(i)), l.basis_fit[i]);
  out.EndObject();
  WriteFigure(out, "neurons", l.neurons);
  if (l.learnt_known) out.Field("learnt", l.learnt);
  WriteFigure(out, "heads", l.heads);
  out.Field("head_distance", l.head_distance).Count("head_count", l.head_count);
  WriteFigure(out, "entries", l.entries);
  WriteFigure(out, "entries_rotated", l.entries_rotated);
  out.Count("entry_count", l.entry_count).Field("swapped", l.swapped);
  out.Field("rotation_null_mean", l.rotation_null_mean);
  out.Field("rotation_null_sd", l.rotation_null_sd).Count("rotation_nulls", l.rotation_nulls);
  out.Key("layers").BeginArray();
  for (size_t i = 0; i < l.layers.size(); ++i) {
    const LayerLikeness& layer = l.layers[i];
    out.BeginObject().Count("first", layer.first_layer).Count("second", layer.second_layer);
    out.Field("fit", layer.fit).Field("effect", layer.effect).Field("z", layer.z);
    out.Count("neurons", layer.neurons);
    out.Field("kept_large", layer.kept_large).Field("kept_rest", layer.kept_rest);
    out.Field("kept_back_large", layer.kept_back_large);
    out.Field("kept_back_rest", layer.kept_back_rest);
    if (i < e.partial_layers.size()) out.Field("partial", e.partial_layers[i]);
    out.EndObject();
  }
  out.EndArray();
  if (!e.partial_layers.empty()) out.Field("partial_neurons", e.partial_neurons);
  out.EndObject();
}

void WriteScale(JsonWriter& out, std::string_view key, const Scale& s) {
  out.Key(key).BeginObject().Field("known", s.known);
  if (s.known) {
    out.Field("null_max", s.null_max).Field("bound", s.bound);
    out.Field("independent_upto", s.independent_upto).Field("derived_from", s.derived_from);
    out.Field("positive_min", s.positive_min).Field("apart", s.apart);
  }
  out.EndObject();
}

void WriteFindings(JsonWriter& out, std::string_view key, const std::vector<Finding>& findings) {
  static constexpr std::string_view kKinds[] = {"consistent", "inconsistent", "note"};
  out.Key(key).BeginArray();
  for (const Finding& f : findings) {
    out.BeginObject().Field("kind", kKinds[static_cast<size_t>(f.kind)]).Field("code", f.code);
    out.Key("numbers").BeginArray();
    for (const double x : f.numbers) out.Number(x);
    out.EndArray();
    if (!f.texts.empty()) WriteStrings(out, "texts", f.texts);
    out.EndObject();
  }
  out.EndArray();
}

}  // namespace

std::string DossierJson(const Examination& e) {
  JsonWriter out;
  out.BeginObject();
  out.Field("format", kDossierFormat).Count("version", kDossierVersion);
  out.Key("request").BeginObject();
  const Request& r = e.request;
  out.Field("subject", r.subject).Field("reference", r.reference).Field("start", r.start);
  WriteStrings(out, "independents", r.independents);
  WriteStrings(out, "derived", r.derived);
  out.Key("null_pairs").BeginArray();
  for (const auto& [a, b] : r.null_pairs) out.BeginArray().Text(a).Text(b).EndArray();
  out.EndArray();
  WriteStrings(out, "logs", r.logs);
  WriteStrings(out, "checkpoints", r.checkpoints);
  WriteStrings(out, "also", r.also);
  out.Field("manifest", r.manifest).Field("lineage", r.lineage).Count("seed", r.seed).EndObject();

  out.Key("verdict").BeginObject().Field("answer", NameOf(e.verdict.answer));
  out.Key("grounds").BeginArray();
  for (const Ground& g : e.verdict.grounds) {
    out.BeginObject().Field("code", g.code).Key("numbers").BeginArray();
    for (const double x : g.numbers) out.Number(x);
    out.EndArray();
    WriteStrings(out, "texts", g.texts);
    out.EndObject();
  }
  out.EndArray();
  WriteScale(out, "neurons", e.verdict.neurons);
  WriteScale(out, "heads", e.verdict.heads);
  WriteScale(out, "entries", e.verdict.entries);
  out.Field("learnt_from", e.verdict.learnt_from);
  out.Key("tests").BeginArray();
  for (const Test& t : e.verdict.tests) {
    out.BeginObject().Field("name", t.name).Field("p", t.p).Field("corrected", t.corrected);
    out.EndObject();
  }
  out.EndArray();
  out.Count("independents", e.verdict.independents).Count("positives", e.verdict.positives);
  out.Key("shared_layers").BeginArray();
  for (const uint32_t l : e.verdict.shared_layers) out.Unsigned(l);
  out.EndArray().EndObject();

  WriteModel(out, "subject", e.subject);
  WriteModel(out, "reference", e.reference);
  if (e.start) WriteModel(out, "start", *e.start);
  out.Field("start_refused", e.start_refused);
  WriteLikeness(out, e);
  out.Key("controls").BeginArray();
  for (const Control& c : e.controls) {
    out.BeginObject().Field("kind", NameOf(c.kind)).Field("first", c.first);
    out.Field("second", c.second).Field("incomparable", c.incomparable);
    if (c.figures.has_neurons) out.Field("neurons", c.figures.neurons);
    if (c.figures.has_heads) out.Field("heads", c.figures.heads);
    if (c.figures.has_entries) out.Field("entries", c.figures.entries);
    if (c.figures.has_learnt) out.Field("learnt", c.figures.learnt);
    out.EndObject();
  }
  out.EndArray();
  out.Key("gains").BeginObject().Field("cosine", e.gains_cosine);
  out.Field("shuffled_cosine", e.gains_shuffled).Field("pearson", e.gains_pearson);
  out.Field("share_of_weights", e.gains_share).Key("each").BeginArray();
  for (const NamedFigures& g : e.gains) {
    out.BeginObject().Field("name", g.name);
    WriteFigures(out, g.figures);
    out.EndObject();
  }
  out.EndArray().EndObject();
  out.Key("matrices").BeginArray();
  for (const RoleFigures& role : e.roles) {
    out.BeginObject().Field("role", role.role).Count("tensors", role.tensors);
    WriteFigures(out, role.figures);
    out.EndObject();
  }
  out.EndArray();
  out.Count("unpaired_subject", e.unpaired_subject);
  out.Count("unpaired_reference", e.unpaired_reference);

  out.Key("vocabulary").BeginObject().Field("unknown", e.vocabulary.unknown);
  out.Field("same_file", e.vocabulary.same_file).Field("assumed", e.vocabulary_assumed);
  out.Count("shared_entries", e.shared_entries);
  out.Count("long_subject", e.vocabulary.long_first);
  out.Count("long_reference", e.vocabulary.long_second);
  out.Count("long_shared", e.vocabulary.long_shared);
  if (e.vocabulary.files) {
    const auto& f = *e.vocabulary.files;
    out.Count("entries_subject", f.entries_a).Count("entries_reference", f.entries_b);
    out.Count("entries_shared", f.entries_shared).Count("same_id", f.same_id);
    out.Count("merges_subject", f.merges_a).Count("merges_reference", f.merges_b);
    out.Count("merges_shared", f.merges_shared).Count("merges_in_order", f.merges_in_order);
    out.Count("hangul_subject", f.kinds_a.hangul).Count("hangul_reference", f.kinds_b.hangul);
    out.Count("hangul_shared", f.kinds_shared.hangul);
  }
  out.EndObject();
  out.Key("mixtures").BeginArray();
  for (const Mixture& m : e.mixtures) {
    out.BeginObject().Field("other", m.other).Field("weight_reference", m.weight_reference);
    out.Field("weight_other", m.weight_other).Field("explained", m.explained);
    out.Field("explained_reference", m.explained_reference);
    out.Field("explained_other", m.explained_other).EndObject();
  }
  out.EndArray();
  out.Key("logs").BeginArray();
  for (const LogReport& log : e.logs) {
    const LogFigures& f = log.figures;
    out.BeginObject().Field("label", log.label).Field("loss", log.loss_name);
    WriteStrings(out, "scores", log.score_names);
    out.Count("rows", f.rows).Count("bad_lines", f.bad_lines);
    out.Key("first_step").Integer(f.first_step).Key("last_step").Integer(f.last_step);
    out.Field("first_loss", f.first_loss).Field("last_loss", f.last_loss);
    out.Field("first_over_ln_vocabulary", f.first_over_ln_vocabulary);
    WriteFindings(out, "findings", f.findings);
    out.EndObject();
  }
  out.EndArray();
  WriteFindings(out, "findings", e.findings);
  out.Key("manifest");
  if (e.manifest) {
    out.Raw(EncodeManifest(*e.manifest));
  } else {
    out.Null();
  }
  out.Key("lineage").BeginObject().Field("known", e.lineage.has_value());
  if (e.lineage) {
    out.Field("log", e.lineage->log);
    out.Count("uploads", e.lineage->uploads.size());
    out.Count("not_declared", e.lineage->not_declared.size());
    WriteFindings(out, "findings", e.data_findings);
  }
  out.EndObject();
  out.EndObject();
  return out.Take() + "\n";
}

}  // namespace jangbu::audit
