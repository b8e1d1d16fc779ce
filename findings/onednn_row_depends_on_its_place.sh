#!/bin/sh
# With AVX2 a row of oneDNN's matmul has other bits in the last rows of a batch than in the first.
# Guess:    a row of C = A W depends on that row of A alone: on one thread, with one shape and one
#           primitive, equal rows of A give equal rows of C. A kernel treats all full rows alike.
# Happens:  with fp32 on AVX2, A of 320 equal rows, the last rows of C differ from the first in their
#           last bits, if W is stored (out, in). With 384 rows, or W as (in, out), all are equal. W's
#           layout left to the library is (in, out), on which 192 rows take about twice the time of
#           (out, in) at 2048 x 2048.
# Versions: oneDNN 2.6.3 (Debian 12, libdnnl2 2.6.3-1)
# Matters:  tokens of a mixture-of-experts layer land at any place of an expert's batch. Whoever
#           wants the same routes from the same text whatever is batched with it has to choose
#           numbers of rows, not only a thread count; padding to a multiple of 32 or 64 is no help.
# Source:   seen by running; the impl of the primitive is "gemm:jit".
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for package in libdnnl2=2.6.3-1 libdnnl-dev=2.6.3-1; do
  apt-get download -q "$package" >apt.log 2>&1 || { cat apt.log >&2; exit 2; }
done
for file in *.deb; do dpkg-deb -x "$file" root; done
cat >rows.cc <<'CC'
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

using dnnl::memory;
using Tag = memory::format_tag;

struct Product {
  Product(memory::dim rows, memory::dim in, memory::dim out, Tag layout)
      : cpu(dnnl::engine::kind::cpu, 0), a({rows, in}, memory::data_type::f32, Tag::ab),
        given({in, out}, memory::data_type::f32, Tag::ba),
        c({rows, out}, memory::data_type::f32, Tag::ab),
        chosen(dnnl::matmul::desc(a, memory::desc({in, out}, memory::data_type::f32, layout), c), cpu),
        weights(chosen.weights_desc(), cpu) {
    std::vector<float> w(in * out);
    for (size_t i = 0; i < w.size(); ++i) w[i] = std::sin(1.0 + 0.37 * i);
    memory from(given, cpu, w.data());
    dnnl::stream stream(cpu);
    dnnl::reorder(from, weights).execute(stream, from, weights);
    stream.wait();
  }
  std::vector<float> run(std::vector<float>& rows) {
    std::vector<float> result(c.get_size() / sizeof(float));
    dnnl::stream stream(cpu);
    dnnl::matmul(chosen).execute(stream, {{DNNL_ARG_SRC, memory(a, cpu, rows.data())},
                                          {DNNL_ARG_WEIGHTS, weights},
                                          {DNNL_ARG_DST, memory(c, cpu, result.data())}});
    stream.wait();
    return result;
  }
  dnnl::engine cpu;
  memory::desc a, given, c;
  dnnl::matmul::primitive_desc chosen;
  memory weights;
};

std::vector<float> equal_rows(size_t rows, size_t in) {
  std::vector<float> a(rows * in);
  for (size_t i = 0; i < a.size(); ++i) a[i] = std::cos(0.11 * (i % in));
  return a;
}

int odd_rows(memory::dim rows, Tag layout) {
  constexpr memory::dim in = 2048, out = 64;
  std::vector<float> a = equal_rows(rows, in);
  const std::vector<float> c = Product(rows, in, out, layout).run(a);
  int odd = 0;
  for (memory::dim r = 1; r < rows; ++r) odd += std::memcmp(&c[r * out], &c[0], out * 4) != 0;
  return odd;
}

double seconds(Tag layout) {
  std::vector<float> a = equal_rows(192, 2048);
  Product product(192, 2048, 2048, layout);
  double best = 1e9;
  for (int i = 0; i < 8; ++i) {
    const auto start = std::chrono::steady_clock::now();
    product.run(a);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = std::fmin(best, took.count());
  }
  return best;
}

int main() {
  dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
  const dnnl_version_t* v = dnnl_version();
  const int odd = odd_rows(320, Tag::ba), none = odd_rows(384, Tag::ba) + odd_rows(320, Tag::ab);
  Product any(192, 2048, 2048, Tag::any);
  const bool plain = any.chosen.weights_desc() ==
                     memory::desc({2048, 2048}, memory::data_type::f32, Tag::ab);
  const double slow = seconds(Tag::any) / seconds(Tag::ba);
  std::printf("oneDNN %d.%d.%d, %s, AVX2, one thread\n", v->major, v->minor, v->patch,
              any.chosen.impl_info_str());
  std::printf("320 equal rows, weights (out, in): %d rows of other bits\n", odd);
  std::printf("384 equal rows, or weights (in, out): %d rows\n", none);
  std::printf("layout left to the library: %s; 192 rows take %.2f times as long as on (out, in)\n",
              plain ? "(in, out)" : "another", slow);
  return odd > 0 && none == 0 && plain && slow > 1.2 ? 0 : 1;
}
CC
lib=$(dirname "$(find root -name 'libdnnl.so.2')")
g++ -std=c++17 -O2 -Iroot/usr/include rows.cc -L"$lib" -ldnnl -o rows
OMP_NUM_THREADS=1 LD_LIBRARY_PATH=$lib ./rows || {
  echo "$(basename "$0" .sh): CHANGED" >&2
  exit 1
}
