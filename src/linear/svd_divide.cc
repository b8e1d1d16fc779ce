#include "linear/instances.h"

template void Eigen::BDCSVD<rg::linear::Matrix>::divide(Eigen::Index, Eigen::Index, Eigen::Index,
                                                        Eigen::Index, Eigen::Index);
