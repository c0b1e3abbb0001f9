#pragma once

// ★ HOW ALIKE ARE TWO MODELS, whatever was done to hide it?
//
// Every figure is taken from weights that had no part in finding the correspondence it uses, so
// that two models without any relation give a figure around 0 and not the best of many tries:
//
//   basis     which rotation of the residual stream turns one into the other: as it is, permuted,
//   or
//             rotated; found from embeddings of shared vocabulary entries (every other one) or from
//             gate matrices. Which of these is best is tested on one layer, left out of the
//             p-value.
//   layers    which layer of the larger model corresponds to each of the smaller: by gates.
//   neurons   one to one, by gates (assignment). TESTED on up and down.
//   heads     one to one, by the singular values of value–output products. TESTED on those of
//             query–key products. These do not depend on the basis at all.
//   entries   embeddings of the shared entries that had no part in finding the basis.
//   learnt    whether matched neurons agree in what training wrote into them as much as in the
//   rest.
//             Training makes a few directions large; a random start has none. Two models from one
//             random start share the rest and not the large directions; a copy has kept both, the
//             large ones best. So a common start that nobody knows of is told from descent.
//
// p-values are of the hypothesis "which neuron (head, entry) is matched to which does not matter":
// permutation tests, with moments in closed form (assignment.h) or drawn from a seed. They say
// whether there is any relation at all, the same language and training text included. Whether it is
// descent is for the controls (verdict.h) to say.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "audit/provenance/assignment.h"
#include "audit/provenance/weight_source.h"
#include "base/status.h"

namespace jangbu::audit {

struct LikenessOptions {
  uint64_t seed = 1;
  unsigned threads = 1;
  size_t neurons_max = 512;     // sampled of a layer, evenly
  size_t layers_max = 8;        // looked at in depth, evenly
  size_t entries_max = 4096;    // embeddings, evenly; three times the width where that is more
  size_t draws_max = 99'999;    // of head matchings
  double search_budget = 3e11;  // multiplications for finding basis and layers
  bool keep_rows = false;       // fill Likeness::rows
};

// Ids in the first and the second model of the same vocabulary entry.
using SharedEntries = std::vector<std::pair<uint32_t, uint32_t>>;

enum class BasisKind : uint8_t { kAsIs, kPermuted, kByEmbeddings, kByWeights };
std::string_view NameOf(BasisKind kind);

struct LayerLikeness {
  uint32_t first_layer = 0;
  uint32_t second_layer = 0;
  double fit = 0;     // mean cosine of matched gates: found by the search, so above 0 by chance
  double effect = 0;  // mean of the signed root of cos(up)·cos(down) over matched neurons; −1 … 1
  double z = 0;
  uint64_t neurons = 0;
  // What the second keeps of the first along the first's large directions and along the rest, and
  // the other way round (linalg.h: SharesKept), summed over up and down. 0 when there is no
  // agreement to speak of, or no direction of the model's own.
  double kept_large = 0, kept_rest = 0, kept_back_large = 0, kept_back_rest = 0;
};

// Matched rows in the coordinates of the first model, each of length 1: `up` and `down` of the
// sampled neurons, neurons × width.
struct MatchedRows {
  uint32_t first_layer = 0;
  size_t neurons = 0;
  std::vector<float> up_first, up_second, down_first, down_second;
};

struct Figure {
  bool known = false;
  double effect = 0;
  double z = 0;
  double p = 1;
  double chance_sd = 0;  // of the effect, if what is matched to what did not matter
};

// How much of the agreement is in what was learnt: share kept along large directions over share
// kept along the rest, the better of the two ways round. About 1 of a copy (noise and pruning leave
// it there), near 0 of two models that only began alike. Between 0 and 2.
double LearntShare(double large, double rest, double back_large, double back_rest);

struct Likeness {
  // Why nothing could be compared; "" when it could. A stable reason code.
  std::string incomparable;
  BasisKind basis = BasisKind::kAsIs;
  std::array<double, 4> basis_fit{};  // mean best cosine of gates in each basis tried; 0: not tried

  Figure neurons;                     // mean over layers
  std::vector<LayerLikeness> layers;  // ascending by first_layer
  bool learnt_known = false;          // there is an agreement that can be looked into
  double learnt = 0;                  // LearntShare of the means over layers
  double rotation_null_mean = 0;      // the effect on neurons under random rotations …
  double rotation_null_sd = 0;
  uint64_t rotation_nulls = 0;  // … so many

  Figure heads;  // effect: 1 − distance of matched spectra ÷ distance of spectra matched at random
  double head_distance = 0;  // mean relative distance of matched query–key spectra
  uint64_t head_count = 0;

  Figure entries;          // mean cosine of centred embeddings, as they are or permuted
  Figure entries_rotated;  // the same in the basis found by embeddings
  uint64_t entry_count = 0;

  bool swapped = false;  // "first" in layers and rows is the second argument (it has fewer layers)
  std::vector<MatchedRows> rows;
};

// Compares two models. `shared` in ascending order of the first id; empty when vocabularies are not
// known. Errors only of reading. Deterministic for equal inputs, seed and options, threads aside.
StatusOr<Likeness> CompareWeights(const WeightSource& first, const WeightSource& second,
                                  const SharedEntries& shared, const LikenessOptions& options);

// Singular values of each head's query–key or value–output products, descending; ReadSpectra fills
// one of the two.
struct HeadSpectra {
  std::vector<double> query_key, value_output;
};
StatusOr<std::vector<HeadSpectra>> ReadSpectra(const WeightSource& source, uint32_t layer,
                                               bool query_key);

// The one-sided p-value of a standard normal.
double UpperTail(double z);

}  // namespace jangbu::audit
