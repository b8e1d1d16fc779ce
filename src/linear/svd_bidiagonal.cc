#include "linear/instances.h"

template class Eigen::internal::UpperBidiagonalization<rg::linear::Matrix>;
