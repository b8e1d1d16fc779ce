#include "linear/instances.h"

template class Eigen::JacobiSVD<rg::linear::Matrix>;
