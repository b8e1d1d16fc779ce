#include "linear/instances.h"

template Eigen::BDCSVD<rg::linear::Matrix>& Eigen::BDCSVD<rg::linear::Matrix>::compute(
    const rg::linear::Matrix&, unsigned int);
