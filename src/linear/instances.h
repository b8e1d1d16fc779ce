// The heavy parts of Eigen that the files of this folder share: each is compiled by one of them.
#pragma once

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SVD>

#include "linear/matrix.h"

extern template class Eigen::HouseholderQR<rg::linear::Matrix>;
extern template class Eigen::JacobiSVD<rg::linear::Matrix>;
extern template class Eigen::SelfAdjointEigenSolver<rg::linear::Matrix>;
extern template class Eigen::internal::UpperBidiagonalization<rg::linear::Matrix>;
extern template void Eigen::BDCSVD<rg::linear::Matrix>::divide(Eigen::Index, Eigen::Index,
                                                               Eigen::Index, Eigen::Index,
                                                               Eigen::Index);
extern template Eigen::BDCSVD<rg::linear::Matrix>& Eigen::BDCSVD<rg::linear::Matrix>::compute(
    const rg::linear::Matrix&, unsigned int);
