(* Family LH: the 1-bit cosine near the sign lattice, and its gradient over rotations.             *)
From Coq Require Reals.
From Coquelicot Require Coquelicot.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.
From mathcomp.analysis Require Rstruct.
From Routegauge Require Import Vectors.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Geodesic.
Variables (R : rcfType) (d : nat).
Implicit Types s v : 'cV[R]_d.

(* A point of the sign lattice scaled to the unit sphere. *)
Definition lattice_point s := (Num.sqrt d%:R)^-1 *: s.

(* The lattice point turned by the angle with cosine c and sine t towards v. *)
Definition geodesic s v c t := c *: lattice_point s + t *: v.

(* LH-1. Turn a lattice point towards an orthogonal unit vector v. While |tan| sqrt d max|v_i| < 1, *)
(* the 1-bit cosine is the cosine of the angle (its modulus, should the angle exceed 90 degrees),   *)
(* beta its square, and the loss 1 - beta the square of the sine.                                  *)
Theorem LH_1_geodesic_profile s v c t : (0 < d)%N -> pm1 s -> sqn v = 1 -> dot (lattice_point s) v = 0 ->
  c ^+ 2 + t ^+ 2 = 1 -> c != 0 -> (forall i, `|t / c| * Num.sqrt d%:R * `|v i 0| < 1) ->
  [/\ cosine (geodesic s v c t) = `|c|, beta (geodesic s v c t) = c ^+ 2 &
      1 - beta (geodesic s v c t) = t ^+ 2].
Proof.
move=> d0 s1 v1 orth ct c0 small; set k := geodesic s v c t.
have rd : 0 < Num.sqrt d%:R :> R by rewrite sqrtr_gt0 ltr0n.
have rdn := lt0r_neq0 rd.
have sv : dot s v = 0.
  by move/eqP: orth; rewrite dotZl mulf_eq0 invr_eq0 (negPf rdn) => /eqP.
have kk : sqn k = 1.
  rewrite sqnD !sqnZ dotZl dotZr dotZl sv v1 (sqn_pm1 s1) exprVn sqr_sqrt_dim.
  by rewrite mulVf ?pnatr_eq0 -?lt0n // !mulr0 addr0 !mulr1.
(* Every entry has the sign of c times that of s. *)
have entry i : `|k i 0| = `|c| * ((Num.sqrt d%:R)^-1 + t / c * (s i 0 * v i 0)).
  have -> : k i 0 = c * s i 0 * ((Num.sqrt d%:R)^-1 + t / c * (s i 0 * v i 0)).
    rewrite !mxE; have -> : c * s i 0 * ((Num.sqrt d%:R)^-1 + t / c * (s i 0 * v i 0)) =
      c * ((Num.sqrt d%:R)^-1 * s i 0) + t * (c / c) * s i 0 ^+ 2 * v i 0 by ring.
    by rewrite divff // (pm1_sqr _ s1) !mulr1.
  rewrite normrM normrM (pm1_norm _ s1) mulr1; congr (_ * _); apply: ger0_norm.
  rewrite -(pmulr_rge0 _ rd).
  have -> : Num.sqrt d%:R * ((Num.sqrt d%:R)^-1 + t / c * (s i 0 * v i 0)) =
      1 + s i 0 * (t / c * Num.sqrt d%:R * v i 0).
    by rewrite mulrDr divff //; congr (_ + _); ring.
  have := small i; rewrite -{1}(ger0_norm (ltW rd)) -!normrM ltr_norml => /andP [low high].
  case: (s1 i) => ->; first by rewrite mul1r -ler_subl_addl sub0r ltW.
  by rewrite mulN1r subr_ge0 ltW.
have l1k : l1 k = `|c| * Num.sqrt d%:R.
  rewrite /l1 (eq_bigr _ (fun i _ => entry i)) -mulr_sumr big_split /= -mulr_sumr -dotE sv mulr0 addr0.
  rewrite sumr_cst card_ord -{1}(@sqr_sqrt_dim R d) expr2 mulfK //.
have cosE : cosine k = `|c| by rewrite /cosine l1k /l2 kk sqrtr1 mulr1 mulfK.
have bE : beta k = c ^+ 2 by rewrite /beta cosE real_normK ?num_real.
by split=> //; rewrite bE -ct addrC addKr.
Qed.
End Geodesic.

Section Gradient.
Variables (R : rcfType) (d : nat).
Implicit Types (k s y : 'cV[R]_d) (A B : 'M[R]_d).

(* The angle metric on skew matrices. *)
Definition inner A B : R := 2^-1 * \tr (A^T *m B).
Definition skew A := A^T = - A.

(* The gradient of the cosine over rotations, at the key k with signs s. *)
Definition gradient k s : 'M[R]_d := (Num.sqrt d%:R)^-1 *: (s *m k^T - k *m s^T).

Lemma trace_outer k s : \tr (k *m s^T) = dot s k.
Proof. by rewrite mxtrace_mulC [s^T *m k]mx11_scalar mxtrace_scalar. Qed.

Lemma gradient_skew k s : skew (gradient k s).
Proof. by rewrite /skew /gradient linearZ linearB /= !trmx_mul !trmxK -scalerN opprB. Qed.

(* LH-3. Around a key without zero entries the signs do not change, and among vectors with these   *)
(* signs the cosine of a unit vector is a linear function: its change from k to y is s (y - k) over *)
(* sqrt d exactly. So along a curve of rotations with velocity A the cosine moves at the rate      *)
(* s^T A k / sqrt d.                                                                               *)
Theorem LH_3_a_cosine_is_locally_linear k s y : sign_of s k -> (forall i, k i 0 != 0) ->
  sqn k = 1 -> sqn y = 1 -> (forall i, `|y i 0 - k i 0| <= `|k i 0|) ->
  sign_of s y /\ cosine y - cosine k = dot s (y - k) / Num.sqrt d%:R.
Proof.
move=> sk nz k1 y1 near; have sy : sign_of s y.
  split=> [|i]; first exact: sk.1.
  have abs_s : `|s i 0| = 1 := pm1_norm i sk.1.
  have : 0 <= s i 0 * y i 0.
    have := near i; rewrite -sk.2 -(mul1r `|y i 0 - _|) -abs_s -normrM ler_norml => /andP [low _].
    by move: low; rewrite mulrBr ler_oppl opprB ler_subl_addr addrC -ler_subl_addr subrr.
  by move/ger0_norm <-; rewrite normrM abs_s mul1r.
split=> //; rewrite /cosine /l2 k1 y1 sqrtr1 !mulr1 -(dot_sign sk) -(dot_sign sy).
by rewrite !(dotC _ s) -mulrBl dotBr.
Qed.

(* LH-3. That rate is the inner product of the gradient with A, for every skew A. *)
Theorem LH_3_b_gradient k s A : skew A ->
  inner (gradient k s) A = dot s (A *m k) / Num.sqrt d%:R.
Proof.
move=> skA; rewrite /inner gradient_skew mulNmx /gradient -scalemxAl mulmxBl -scalerN opprB.
rewrite mxtraceZ raddfB /= -!mulmxA.
rewrite (_ : k *m (s^T *m A) = k *m (A^T *m s)^T); last by rewrite trmx_mul trmxK.
rewrite (_ : s *m (k^T *m A) = s *m (A^T *m k)^T); last by rewrite trmx_mul trmxK.
rewrite !trace_outer skA !mulNmx dotNl dotNl (dotC (A *m s)).
have -> : dot k (A *m s) = - dot s (A *m k).
  by rewrite dotC /dot trmx_mul skA mulmxN mulNmx mxE -mulmxA.
rewrite (dotC (A *m k)) opprK.
have half (x r : R) : 2^-1 * (r * (x + x)) = x * r by field.
exact: half.
Qed.

(* LH-3. The squared length of the gradient is 1 - c^2 for a unit key. *)
Theorem LH_3_c_squared_gradient k s : sign_of s k -> sqn k = 1 ->
  inner (gradient k s) (gradient k s) = 1 - cosine k ^+ 2.
Proof.
move=> sk k1; have d0 : d%:R != 0 :> R by apply: lt0r_neq0 (@dim_gt0 _ _ k _); rewrite -sqn_eq0 k1 oner_eq0.
have k0 : k != 0 by rewrite -sqn_eq0 k1 oner_eq0.
have rd := lt0r_neq0 (sqrt_dim_gt0 k0).
rewrite LH_3_b_gradient; last exact: gradient_skew.
have -> : gradient k s *m k = (Num.sqrt d%:R)^-1 *: (s - dot s k *: k).
  rewrite /gradient -scalemxAl mulmxBl -!mulmxA [k^T *m k]mx11_scalar [s^T *m k]mx11_scalar.
  by rewrite -/(dot k k) -/(dot s k) -sqnE k1 !mul_mx_scalar scale1r.
rewrite dotZr dotBr dotZr -sqnE (sqn_pm1 sk.1) (dotC s) (dot_sign sk).
rewrite /cosine /l2 k1 sqrtr1 mulr1 expr_div_n sqr_sqrt_dim mulrAC -invfM -expr2 sqr_sqrt_dim.
by rewrite mulrBr mulVf // -expr2 (mulrC _^-1).
Qed.

(* LH-3. For beta = c^2, whose gradient is 2 c times that of c, it is 4 beta (1 - beta). *)
Theorem LH_3_d_squared_gradient_of_beta k s : sign_of s k -> sqn k = 1 ->
  inner ((2 * cosine k) *: gradient k s) ((2 * cosine k) *: gradient k s) = 4%:R * beta k * (1 - beta k).
Proof.
move=> sk k1; have innerZ a A : inner (a *: A) (a *: A) = a ^+ 2 * inner A A.
  rewrite /inner (_ : (a *: A)^T = a *: A^T); last by apply/matrixP=> i j; rewrite !mxE.
  have swap (h b t : R) : h * (b * (b * t)) = b ^+ 2 * (h * t) by ring.
  by rewrite -scalemxAl -scalemxAr !mxtraceZ; exact: swap.
rewrite innerZ LH_3_c_squared_gradient // exprMn -natrX; congr (_ * _).
Qed.

(* LH-3. Polyak-Lojasiewicz: the squared gradient of the loss 1 - c is at least the loss. *)
Theorem LH_3_e_polyak_lojasiewicz k s : sign_of s k -> sqn k = 1 ->
  1 - cosine k <= inner (- gradient k s) (- gradient k s).
Proof.
move=> sk k1; have -> : inner (- gradient k s) (- gradient k s) = inner (gradient k s) (gradient k s).
  by rewrite /inner (_ : (- gradient k s)^T = - (gradient k s)^T) ?mulNmx ?mulmxN ?opprK //;
    apply/matrixP=> i j; rewrite !mxE.
rewrite LH_3_c_squared_gradient // ler_add2l ler_opp2 expr2 ler_pimull ?cosine_ge0 //.
exact: cosine_le1.
Qed.

End Gradient.

