// exp and log of a vector, after Cephes (Moshier): within 2 ulp where they are used here.

// e^x for x <= 0; 0 below -87, where the result would be subnormal.
static inline Vec Exp(Vec x) {
  const Mask normal = Greater(x, Set(-87.0f));
  x = Max(x, Set(-87.0f));
  const Vec n = Round(Mul(x, Set(1.44269504088896341f)));
  Vec r = MulAdd(n, Set(-0.693359375f), x);
  r = MulAdd(n, Set(2.12194440e-4f), r);
  Vec p = Set(1.9875691500e-4f);
  p = MulAdd(p, r, Set(1.3981999507e-3f));
  p = MulAdd(p, r, Set(8.3334519073e-3f));
  p = MulAdd(p, r, Set(4.1665795894e-2f));
  p = MulAdd(p, r, Set(1.6666665459e-1f));
  p = MulAdd(p, r, Set(5.0000001201e-1f));
  p = MulAdd(p, Mul(r, r), Add(r, Set(1.0f)));
  return Select(normal, Mul(p, PowerOfTwo(n)), Set(0.0f));
}

// log x for a normal x > 0.
static inline Vec Log(Vec x) {
  Vec e;
  Vec m = Mantissa(x, &e);
  const Mask low = Greater(Set(0.707106781186547524f), m);
  e = Sub(e, Select(low, Set(1.0f), Set(0.0f)));
  m = Sub(Add(m, Select(low, m, Set(0.0f))), Set(1.0f));
  const Vec z = Mul(m, m);
  Vec p = Set(7.0376836292e-2f);
  p = MulAdd(p, m, Set(-1.1514610310e-1f));
  p = MulAdd(p, m, Set(1.1676998740e-1f));
  p = MulAdd(p, m, Set(-1.2420140846e-1f));
  p = MulAdd(p, m, Set(1.4249322787e-1f));
  p = MulAdd(p, m, Set(-1.6668057665e-1f));
  p = MulAdd(p, m, Set(2.0000714765e-1f));
  p = MulAdd(p, m, Set(-2.4999993993e-1f));
  p = MulAdd(p, m, Set(3.3333331174e-1f));
  p = Mul(Mul(p, m), z);
  p = MulAdd(e, Set(-2.12194440e-4f), p);
  p = MulAdd(z, Set(-0.5f), p);
  return MulAdd(e, Set(0.693359375f), Add(m, p));
}

// log(1 + x) for x >= 0, also where 1 + x rounds x away (Kahan).
static inline Vec Log1p(Vec x) {
  const Vec u = Add(Set(1.0f), x);
  const Vec kept = Sub(u, Set(1.0f));
  const Mask lost = Equal(kept, Set(0.0f));
  return Select(lost, x, Div(Mul(Log(u), x), Select(lost, Set(1.0f), kept)));
}
