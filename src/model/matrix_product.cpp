#include "model/matrix_product.h"

extern "C" void sgemm_(const char* transa, const char* transb, const int* m, const int* n,
                       const int* k, const float* alpha, const float* a, const int* lda,
                       const float* b, const int* ldb, const float* beta, float* c,
                       const int* ldc);

namespace srpo::model {

void multiply(int64_t rows, int64_t columns, int64_t inner, float alpha, MatrixView a,
              MatrixView b, float beta, float* c, int64_t c_stride) {
  if (rows == 0 || columns == 0) return;
  const int m = static_cast<int>(columns);
  const int n = static_cast<int>(rows);
  const int k = static_cast<int>(inner);
  const int lda = static_cast<int>(b.stride);
  const int ldb = static_cast<int>(a.stride);
  const int ldc = static_cast<int>(c_stride);
  sgemm_(b.transposed ? "T" : "N", a.transposed ? "T" : "N", &m, &n, &k, &alpha, b.data,
         &lda, a.data, &ldb, &beta, c, &ldc);
}

}  // namespace srpo::model
