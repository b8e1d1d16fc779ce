// The expensive parts of Eigen that the files of this folder share; each is compiled in one file.
#pragma once

#include <Eigen/QR>
#include <Eigen/SVD>

#include "linear/matrix.h"

extern template class Eigen::HouseholderQR<rg::linear::Matrix>;
extern template class Eigen::JacobiSVD<rg::linear::Matrix>;
extern template Eigen::internal::UpperBidiagonalization<rg::linear::Matrix>&
Eigen::internal::UpperBidiagonalization<rg::linear::Matrix>::compute(const rg::linear::Matrix&);
extern template void Eigen::BDCSVD<rg::linear::Matrix>::divide(Eigen::Index, Eigen::Index,
                                                               Eigen::Index, Eigen::Index,
                                                               Eigen::Index);
extern template Eigen::BDCSVD<rg::linear::Matrix>& Eigen::BDCSVD<rg::linear::Matrix>::compute(
    const rg::linear::Matrix&, unsigned int);
