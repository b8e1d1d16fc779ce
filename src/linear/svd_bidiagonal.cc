#include "linear/instances.h"

template Eigen::internal::UpperBidiagonalization<rg::linear::Matrix>&
Eigen::internal::UpperBidiagonalization<rg::linear::Matrix>::compute(const rg::linear::Matrix&);
