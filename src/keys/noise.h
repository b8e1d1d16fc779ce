// The noise null: Gaussian keys with the mean, the covariance and the number of given ones. What a
// search gains on them in sample is overfitting, what it gains held out is due to the first two
// moments alone (IF-2, IF-5).
#pragma once

#include "keys/draws.h"
#include "keys/key_set.h"

namespace rg::keys {

// As many rows as `like`, cut into the same documents, but independent.
KeySet gaussian_keys(const linear::Column& mean, const linear::Matrix& covariance,
                     const KeySet& like, const Place& place, Draw draw);

}  // namespace rg::keys
