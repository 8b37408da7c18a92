#include "model/matrix_kernel.h"

namespace srpo::model {
namespace {

constexpr int kWidth = 16;
constexpr int kTileRows = 14;

}  // namespace
}  // namespace srpo::model

#define kKernel kAvx512MatrixKernel
#include "model/matrix_kernel.inc"
