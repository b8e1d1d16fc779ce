// How long certificates take to make and to check.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rg::bench {

struct CertificateRate {
  uint32_t keys, width, experts;
  struct Level {
    double make_seconds, check_seconds;
    size_t bytes;  // of its JSON
  } exact, enclosed, on_manifold;
  Level exact_after, enclosed_after,
      manifold_after;  // of a router after attention, 32 heads of 128
};

// Keys (512, 4096) and a router of 128 experts, 8 per token, of random bf16 weights and gains; one
// thread.
CertificateRate certificate_rate();

}  // namespace rg::bench
