// The statistics: each against its definition, then on models whose descent is known because the
// test made them.

#include "audit/provenance/likeness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "audit/provenance/assignment.h"
#include "audit/provenance/linalg.h"
#include "audit/provenance/random.h"
#include "audit/provenance/tensor_scan.h"
#include "tests/audit/provenance/toy_model.h"
#include "tests/reference/provenance.h"

namespace jangbu::audit {
namespace {

std::vector<float> RandomScores(Prng& prng, size_t n) {
  std::vector<float> scores(n);
  // Few values, so that there are ties.
  for (float& s : scores) s = static_cast<float>(prng.Below(7)) - 3.0f;
  return scores;
}

TEST(Assignment, IsTheBestOfAllMatchings) {
  Prng prng(1);
  for (int round = 0; round < 600; ++round) {
    const size_t rows = 1 + prng.Below(6);
    const size_t columns = rows + prng.Below(3);
    const std::vector<float> scores = RandomScores(prng, rows * columns);
    const auto matching = Assign(scores, rows, columns);
    std::vector<bool> taken(columns);
    double sum = 0;
    for (size_t i = 0; i < rows; ++i) {
      ASSERT_FALSE(taken[matching[i]]) << "round " << round;
      taken[matching[i]] = true;
      sum += static_cast<double>(scores[i * columns + matching[i]]);
    }
    ASSERT_EQ(sum, reference::BestMatchingSum(scores, rows, columns)) << "round " << round;
  }
}

TEST(MatchingSum, MomentsAreThoseOfAllMatchings) {
  Prng prng(2);
  for (int round = 0; round < 100; ++round) {
    const size_t rows = 1 + prng.Below(5);
    const size_t columns = std::max<size_t>(2, rows + prng.Below(3));
    const std::vector<float> scores = RandomScores(prng, rows * columns);
    const MatchingSum sum = SumOfMatching(scores, rows, columns, Assign(scores, rows, columns));
    const reference::Moments all = reference::MatchingMoments(scores, rows, columns);
    ASSERT_NEAR(sum.mean, all.mean, 1e-5) << "round " << round;
    ASSERT_NEAR(sum.variance, all.variance, 1e-4) << "round " << round;
  }
}

TEST(Linalg, SingularValuesOfAProductAreThoseOfTheProduct) {
  Prng prng(3);
  constexpr size_t kWide = 12, kInner = 5;
  std::vector<double> x(kWide * kInner), y(kInner * kWide), product(kWide * kWide, 0);
  for (double& v : x) v = prng.Normal();
  for (double& v : y) v = prng.Normal();
  std::vector<double> gram_x(kInner * kInner, 0), gram_y(kInner * kInner, 0);
  for (size_t i = 0; i < kInner; ++i) {
    for (size_t j = 0; j < kInner; ++j) {
      for (size_t r = 0; r < kWide; ++r) {
        gram_x[i * kInner + j] += x[r * kInner + i] * x[r * kInner + j];
        gram_y[i * kInner + j] += y[i * kWide + r] * y[j * kWide + r];
      }
    }
  }
  for (size_t r = 0; r < kWide; ++r) {
    for (size_t c = 0; c < kWide; ++c) {
      for (size_t i = 0; i < kInner; ++i)
        product[r * kWide + c] += x[r * kInner + i] * y[i * kWide + c];
    }
  }
  const auto expected = reference::SingularValues(product, kWide, kWide);
  const auto values = ProductSingularValues(gram_x, gram_y, kInner);
  for (size_t i = 0; i < kInner; ++i) EXPECT_NEAR(values[i], expected[i], 1e-9);
}

TEST(Linalg, NearestOrthogonalUndoesARotation) {
  constexpr size_t kWidth = 48;
  const RandomRotation rotation(kWidth, 5);
  std::vector<float> q(kWidth * kWidth, 0);
  for (size_t i = 0; i < kWidth; ++i) q[i * kWidth + i] = 1;
  rotation.Apply(q.data(), kWidth);  // rows of the rotation itself
  std::vector<float> scaled = q;
  for (size_t i = 0; i < kWidth; ++i) {
    for (size_t j = 0; j < kWidth; ++j) scaled[i * kWidth + j] = 0;
  }
  // C = S·R with S positive definite has R as its nearest orthogonal matrix.
  for (size_t i = 0; i < kWidth; ++i) {
    for (size_t j = 0; j < kWidth; ++j)
      scaled[i * kWidth + j] = static_cast<float>(1 + i % 5) * q[i * kWidth + j];
  }
  ASSERT_TRUE(NearestOrthogonal(scaled, kWidth));
  for (size_t i = 0; i < q.size(); ++i) ASSERT_NEAR(scaled[i], q[i], 1e-4) << i;
  // And it is orthogonal.
  for (size_t i = 0; i < kWidth; ++i) {
    for (size_t j = 0; j < kWidth; ++j)
      ASSERT_NEAR(Dot(&q[i * kWidth], &q[j * kWidth], kWidth), i == j ? 1 : 0, 1e-5);
  }
}

TEST(Linalg, SharesKeptAreThoseAlongPrincipalDirections) {
  Prng prng(6);
  for (const auto& [n, width] : {std::pair<size_t, size_t>{24, 40}, {40, 24}}) {
    // Directions of clearly different size, so that there is no doubt which are the largest.
    std::vector<float> x(n * width, 0), y(n * width);
    for (size_t k = 0; k < std::min(n, width); ++k) {
      std::vector<double> left(n), right(width);
      for (double& value : left) value = prng.Normal();
      for (double& value : right) value = prng.Normal();
      const double size = std::pow(0.8, static_cast<double>(k));
      for (size_t i = 0; i < n; ++i) {
        for (size_t j = 0; j < width; ++j)
          x[i * width + j] += static_cast<float>(size * left[i] * right[j]);
      }
    }
    for (size_t i = 0; i < y.size(); ++i)
      y[i] = 0.7f * x[i] + static_cast<float>(0.2 * prng.Normal());
    const auto kept = SharesKept(x, y, n, width);
    ASSERT_TRUE(kept.has_value());
    const reference::Kept slow = reference::KeptAlongDirections(x, y, n, width);
    EXPECT_NEAR(kept->large, slow.large, 2e-3) << n;
    EXPECT_NEAR(kept->rest, slow.rest, 2e-2) << n;
  }
  EXPECT_FALSE(SharesKept(std::vector<float>(100, 1.0f), std::vector<float>(100, 1.0f), 10, 10));
}

Likeness Compare(const ToyModel& a, const ToyModel& b, bool entries = true, unsigned threads = 1) {
  const auto source_a = SourceOfModel(Opened(a));
  const auto source_b = SourceOfModel(Opened(b));
  SharedEntries shared;
  for (uint32_t i = 0; entries && i < a.shape.vocab; ++i) shared.emplace_back(i, i);
  LikenessOptions options;
  options.threads = threads;
  options.draws_max = 1999;
  auto likeness = CompareWeights(**source_a, **source_b, shared, options);
  EXPECT_TRUE(likeness.ok()) << likeness.status();
  return *std::move(likeness);
}

class KnownDescent : public testing::Test {
 protected:
  const ToyModel a_ = Trained(Start({}, 1), 11);
  const ToyModel b_ = Trained(Start({}, 2), 12);
};

TEST_F(KnownDescent, UnrelatedModelsAreAtChance) {
  const Likeness l = Compare(a_, b_);
  EXPECT_LT(std::abs(l.neurons.effect), 0.03);
  EXPECT_LT(std::abs(l.neurons.z), 4);
  EXPECT_GT(l.heads.p, 0.001);
  EXPECT_LT(std::abs(l.rotation_null_mean), 0.05);
}

TEST_F(KnownDescent, DisguisesAreSeenThrough) {
  const struct {
    const char* how;
    ToyModel model;
    BasisKind basis;
    double at_least;
  } kRows[] = {
      {"itself", a_, BasisKind::kAsIs, 0.999},
      {"fine-tuned", FineTuned(a_, 5), BasisKind::kAsIs, 0.9},
      {"trained on at length", FineTuned(a_, 5, 1.0), BasisKind::kAsIs, 0.5},
      {"5 % noise", Noisy(a_, 5, 0.05), BasisKind::kAsIs, 0.99},
      {"30 % pruned", Pruned(a_, 0.3), BasisKind::kAsIs, 0.95},
      {"heads and neurons reordered and rescaled", Reordered(a_, 5), BasisKind::kAsIs, 0.99},
      {"rotated", Rotated(a_, 5), BasisKind::kByEmbeddings, 0.98},
      {"rotated, reordered, 5 % noise", Noisy(Reordered(Rotated(a_, 5), 6), 7, 0.05),
       BasisKind::kByEmbeddings, 0.95},
      {"new embeddings", WithNewEmbeddings(a_, 5), BasisKind::kAsIs, 0.99},
      {"layers repeated", Upscaled(a_, 2), BasisKind::kAsIs, 0.99},
      {"half of another", Average(a_, b_), BasisKind::kAsIs, 0.5},
  };
  for (const auto& row : kRows) {
    const Likeness l = Compare(a_, row.model);
    EXPECT_GE(l.neurons.effect, row.at_least) << row.how;
    EXPECT_LT(l.neurons.p, 1e-9) << row.how;
    EXPECT_EQ(l.basis, row.basis) << row.how;
  }
}

TEST_F(KnownDescent, ARotationIsFoundWithoutAVocabulary) {
  const Likeness l = Compare(a_, Reordered(Rotated(a_, 5), 6), false);
  EXPECT_EQ(l.basis, BasisKind::kByWeights);
  EXPECT_GE(l.neurons.effect, 0.95);
}

TEST_F(KnownDescent, RepeatedLayersFindTheirOriginals) {
  const Likeness l = Compare(Upscaled(a_, 2), a_);
  EXPECT_TRUE(l.swapped);
  ASSERT_EQ(l.layers.size(), 4u);
  for (const LayerLikeness& layer : l.layers) {
    const uint32_t at = layer.second_layer;
    EXPECT_EQ(at < 4 ? at : at - 2, layer.first_layer);
  }
}

TEST_F(KnownDescent, ThreadsDoNotChangeAFigure) {
  const ToyModel rotated = Noisy(Rotated(a_, 5), 6, 0.1);
  const Likeness one = Compare(a_, rotated, true, 1);
  const Likeness four = Compare(a_, rotated, true, 4);
  EXPECT_EQ(one.neurons.effect, four.neurons.effect);
  EXPECT_EQ(one.neurons.z, four.neurons.z);
  EXPECT_EQ(one.heads.p, four.heads.p);
  EXPECT_EQ(one.entries_rotated.effect, four.entries_rotated.effect);
  EXPECT_EQ(one.rotation_null_mean, four.rotation_null_mean);
}

TEST_F(KnownDescent, SpectraDoNotMoveUnderDisguise) {
  const Likeness l = Compare(a_, Reordered(Rotated(a_, 5), 6));
  EXPECT_LT(l.head_distance, 1e-3);
  EXPECT_GT(l.heads.effect, 0.98);
}

TEST(GroupedQueries, HeadsShareTheirKeys) {
  // A disguise made by the tool of a model with fewer keys than queries.
  ToyModel toy = Trained(Start({}, 1), 3);
  for (uint64_t l = 0; l < toy.shape.layers; ++l) {
    for (const char* name : {"self_attn.k_proj.weight", "self_attn.v_proj.weight"}) {
      Matrix& m = toy.At(l, name);
      m.rows /= 2;
      m.values.resize(m.rows * m.columns);
    }
  }
  auto files = FilesOf(toy);
  std::string config = files["config.json"];
  const size_t at = config.find("\"num_key_value_heads\":4");
  config.replace(at, 23, "\"num_key_value_heads\":2");
  std::vector<std::unique_ptr<ByteSource>> sources;
  sources.push_back(BytesAsSource("toy", files["model.safetensors"]));
  const auto model = Model::FromSources("toy", std::move(sources), config);
  ASSERT_TRUE(model.ok()) << model.status();
  const auto source = SourceOfModel(*model);
  ASSERT_TRUE(source.ok());
  ASSERT_EQ((*source)->shape().kv_heads, 2u);
  const auto disguised =
      Disguised(**source, {.permute = true, .rotate = true, .rescale = true, .seed = 4});
  SharedEntries shared;
  for (uint32_t i = 0; i < toy.shape.vocab; ++i) shared.emplace_back(i, i);
  const auto l = CompareWeights(**source, *disguised, shared, {});
  ASSERT_TRUE(l.ok());
  EXPECT_GE(l->neurons.effect, 0.999);
  EXPECT_LT(l->head_distance, 1e-3);
}

// Two models from one random start agree in what they never learnt; a copy agrees in what it
// learnt.
TEST(CommonStart, IsToldFromACopyWithoutKnowingTheStart) {
  const ToyModel start = Start({}, 1);
  const ToyModel a = Trained(start, 11, 0.5);
  for (const double strength : {0.3, 0.5, 1.0}) {
    const Likeness siblings = Compare(a, Trained(start, 21, strength));
    EXPECT_GT(siblings.neurons.effect, 0.1) << strength;
    ASSERT_TRUE(siblings.learnt_known) << strength;
    EXPECT_LT(siblings.learnt, 0.8) << strength;
  }
  const struct {
    const char* how;
    ToyModel model;
  } kCopies[] = {{"trained on", FineTuned(a, 5)},
                 {"trained on at length", FineTuned(a, 5, 1.0)},
                 {"noise", Noisy(a, 5, 1.0)},
                 {"pruned", Pruned(a, 0.5)},
                 {"rotated and reordered", Reordered(Rotated(a, 5), 6)},
                 {"half of another", Average(a, Trained(Start({}, 2), 12))}};
  for (const auto& row : kCopies) {
    const Likeness l = Compare(a, row.model);
    ASSERT_TRUE(l.learnt_known) << row.how;
    EXPECT_GT(l.learnt, 0.85) << row.how;
  }
}

// The dispute of January 2026, in small: gains alike by cosine, without relation.
TEST(Gains, CosineNearOneIsWhatShufflingGivesToo) {
  Prng prng(4);
  std::vector<float> a(4096), b(4096);
  for (float& x : a) x = static_cast<float>(1 + 0.105 * prng.Normal());
  for (float& x : b) x = static_cast<float>(1 + 0.105 * prng.Normal());
  const PlainFigures f = SumPairs(a.data(), b.data(), a.size()).Figures();
  EXPECT_NEAR(f.cosine, 0.989, 0.001);
  EXPECT_NEAR(f.shuffled_cosine, f.cosine, 0.001);
  EXPECT_LT(std::abs(f.pearson), 0.05);
  EXPECT_GT(f.p, 0.001);
}

// Largest distance of the sorted p-values from the diagonal, times √n: Kolmogorov and Smirnov.
double DistanceFromUniform(std::vector<double> p) {
  std::sort(p.begin(), p.end());
  double widest = 0;
  const auto n = static_cast<double>(p.size());
  for (size_t i = 0; i < p.size(); ++i) {
    widest = std::max({widest, std::abs(p[i] - static_cast<double>(i) / n),
                       std::abs(p[i] - static_cast<double>(i + 1) / n)});
  }
  return widest * std::sqrt(n);
}

// JANGBU_SOAK_PAIRS=1000 for the whole of it.
TEST(RandomPairs, PValuesAreUniform) {
  const char* soak = std::getenv("JANGBU_SOAK_PAIRS");
  const size_t pairs = soak == nullptr ? 60 : std::strtoull(soak, nullptr, 10);
  ToyShape shape;
  shape.layers = 2;
  shape.width = 32;
  shape.heads = 8;
  shape.ffn = 64;
  shape.vocab = 256;
  std::vector<double> neurons, heads, entries, gains;
  for (size_t i = 0; i < pairs; ++i) {
    const ToyModel a = Trained(Start(shape, 1000 + 2 * i), 5000 + 2 * i);
    const ToyModel b = Trained(Start(shape, 1001 + 2 * i), 5001 + 2 * i);
    const Likeness l = Compare(a, b);
    neurons.push_back(l.neurons.p);
    heads.push_back(l.heads.p);
    // As they are: the better of two is corrected and so not uniform; the rotated one is.
    entries.push_back(l.entries_rotated.p);
    const Matrix& x = a.tensors.at("model.norm.weight");
    const Matrix& y = b.tensors.at("model.norm.weight");
    gains.push_back(SumPairs(x.values.data(), y.values.data(), x.values.size()).Figures().p);
    // Never the figures of descent.
    EXPECT_LT(l.neurons.effect, 0.25) << "pair " << i;
    EXPECT_GT(l.neurons.p, 1e-6) << "pair " << i;
  }
  // 1.95 is passed once in a thousand.
  std::printf("distances from uniform: neurons %.2f, heads %.2f, entries %.2f, gains %.2f\n",
              DistanceFromUniform(neurons), DistanceFromUniform(heads),
              DistanceFromUniform(entries), DistanceFromUniform(gains));
  EXPECT_LT(DistanceFromUniform(neurons), 1.95);
  EXPECT_LT(DistanceFromUniform(heads), 1.95);
  EXPECT_LT(DistanceFromUniform(entries), 1.95);
  EXPECT_LT(DistanceFromUniform(gains), 1.95);
}

}  // namespace
}  // namespace jangbu::audit
