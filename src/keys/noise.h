// Keys that stand in for given ones. The noise null: Gaussian keys with the mean, the covariance
// and the number of given ones. What a search gains on them in sample is overfitting, what it gains
// held out is due to the first two moments alone (IF-2, IF-5).
#pragma once

#include "keys/draws.h"
#include "keys/key_set.h"
#include "keys/rotary_planes.h"

namespace rg::keys {

// As many rows as `like`, cut into the same documents, but independent.
KeySet gaussian_keys(const linear::Column& mean, const linear::Matrix& covariance,
                     const KeySet& like, const Place& place, Draw draw);

// The control of the RoPE ceiling (RC-7): all planes of a key turned by one random angle, its own,
// which leaves every plane's length and the phases between planes as they are. Under any rotation
// the mean cosine of such keys is at most rope_ceiling_cosine of the share that lies in no plane.
KeySet phase_shifted(const KeySet& keys, const RotaryPlanes& planes, const Place& place);

}  // namespace rg::keys
