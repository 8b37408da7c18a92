#include "model/matrix_kernel.h"

namespace srpo::model {
namespace {

constexpr int kWidth = 4;
constexpr int kTileRows = 4;

}  // namespace
}  // namespace srpo::model

#define kKernel kPortableMatrixKernel
#include "model/matrix_kernel.inc"
