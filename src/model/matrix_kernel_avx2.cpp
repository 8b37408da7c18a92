#include "model/matrix_kernel.h"

namespace srpo::model {
namespace {

constexpr int kWidth = 8;
constexpr int kTileRows = 6;

}  // namespace
}  // namespace srpo::model

#define kKernel kAvx2MatrixKernel
#include "model/matrix_kernel.inc"
