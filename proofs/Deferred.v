(* Theorems that rest on a fact of Missing.v: each has that fact as its first hypothesis and does   *)
(* the reduction to it.                                                                             *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.
From mathcomp.analysis Require Import Rstruct.
From Routegauge Require Import Vectors MomentRatio IsotropicFloor Gaussian SphereLaws RandomDirections Khintchine Missing.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Sphere.
Variables (d : nat) (E : ('cV[R]_d -> R) -> R).
Hypotheses (d0 : (0 < d)%N) (UE : uniform_on_sphere E).

(* MR-5. The mean 1-bit cosine of a uniformly random direction is sqrt d times the first absolute *)
(* moment of one entry.                                                                            *)
Theorem MR_5_b_mean_cosine : sphere_first_moment_statement ->
  E (@cosine _ d) = Num.sqrt d%:R * sphere_abs_moment d.
Proof.
move=> first; have LE := UE.1; have sd : Num.sqrt d%:R != 0 :> R by rewrite gt_eqF // sqrtr_gt0 ltr0n.
have la i : vlip (fun u : 'cV[R]_d => `|u i 0|) by exact/lip_abs/lip_entry.
rewrite (law_ext LE (g := fun u => (Num.sqrt d%:R)^-1 * \sum_i `|u i 0|)); first last.
- by move=> u Su; rewrite cosine_sphere // mulrC.
- exact: lip_cosine.
rewrite (law_scale LE); last by apply: lip_sum => i; exact: la.
rewrite (law_sum LE) // (eq_bigr (fun=> sphere_abs_moment d)) => [|i _]; last exact: first.
rewrite sumr_cst card_ord mulrA -{2}(@sqr_sqrt_dim _ d) expr2 mulKf //.
Qed.

(* IF-7. The 1-bit cosine of a random direction concentrates: it is farther than t from its mean with *)
(* probability at most 2 exp(-(d-2) t^2/2).                                                            *)
Theorem IF_7_concentration (t : R) : levy_statement -> 0 < t ->
  mass_at_most (@vdist d) (@sphere d) E (fun u => t <= `|cosine u - E (@cosine _ d)|)
    (2 * exp (- ((d%:R - 2) * t ^+ 2 / 2))).
Proof. by move=> levy t0; apply: levy UE _ t0 => u v; exact: cosine_dist. Qed.
End Sphere.

(* IF-3, for random rotations with finitely many values: no such rotation guarantees every key a mean *)
(* beta above the value of MR-5. The proof averages over the image of one key under Haar's law.        *)
Theorem IF_3_a_no_rotation_guarantees_more (d : nat) (T : finType) (p : T -> R) (A : T -> 'M[R]_d) b :
  haar_exists_statement -> (0 < d)%N ->
  (forall t, 0 <= p t) -> \sum_t p t = 1 -> (forall t, orthogonal (A t)) ->
  (forall k : 'cV[R]_d, k != 0 -> b <= \sum_t p t * beta (A t *m k)) -> b <= floor_beta d.
Proof.
move=> haar_exists d0; have [G hG] := haar_exists d d0.
have k0 : const_mx 1 != 0 :> 'cV[R]_d.
  by apply/eqP => /matrixP /(_ (Ordinal d0) 0); rewrite !mxE => /eqP; rewrite oner_eq0.
exact: (no_rotation_guarantees_more d0 (haar_image hG (unit_sphere k0))).
Qed.

(* IF-3. So, as Haar's law exists, the value of MR-5 is exactly the best guarantee for all keys: Haar's *)
(* law gives it to every key, and no random rotation with finitely many values guarantees more.        *)
Theorem IF_3_c_minimax (d : nat) : haar_exists_statement -> (0 < d)%N ->
  (exists2 G : ('M[R]_d -> R) -> R, haar G &
     forall k : 'cV[R]_d, k != 0 -> G (fun A => beta (A *m k)) = floor_beta d) /\
  forall (T : finType) (p : T -> R) (A : T -> 'M[R]_d) b, (forall t, 0 <= p t) -> \sum_t p t = 1 ->
    (forall t, orthogonal (A t)) -> (forall k : 'cV[R]_d, k != 0 -> b <= \sum_t p t * beta (A t *m k)) ->
    b <= floor_beta d.
Proof.
move=> haar_exists d0; have [G hG] := haar_exists d d0; split.
  by exists G => // k k0; exact: IF_1_haar_rotation_of_a_fixed_key.
by move=> T p A b; exact: IF_3_a_no_rotation_guarantees_more.
Qed.

Section RandomSigns.
Variable d : nat.

(* IF-6 (iv). The mean cosine under a Hadamard matrix with random signs is within |k|_3^3 / |k|_2^3,  *)
(* and so within |k|_inf / |k|_2, of the Gaussian value sqrt(2/pi): only for delocalised keys close.   *)
Theorem IF_6_iv_delocalised_keys (H : 'M[R]_d) (k : 'cV[R]_d) (M : R) : goldstein_statement ->
  hadamard H -> k != 0 -> (forall i, `|k i 0| <= M) ->
  let third := (\sum_i `|k i 0| ^+ 3) / l2 k ^+ 3 in
  `|average (fun e => cosine (H *m (signs _ e *m k))) - sqrt (Rdiv 2 PI)| <= third /\
  third <= M / l2 k.
Proof.
move=> goldstein hH k0 kM third; have [oH H2] := hH; have lk : 0 < l2 k by rewrite l2_gt0.
have ln := lt0r_neq0 lk; have rd := sqrt_dim_gt0 k0; have rn := lt0r_neq0 rd.
have dn : d%:R != 0 :> R by apply: lt0r_neq0; exact: dim_gt0 k0.
split; last first.
  rewrite /third ler_pdivr_mulr ?exprn_gt0 // (_ : M / l2 k * l2 k ^+ 3 = M * sqn k); last first.
    by rewrite -l2_sqr; field; rewrite ln.
  rewrite sqn_abs mulr_sumr; apply: ler_sum => i _; rewrite exprS.
  by apply: ler_wpmul2r; rewrite ?sqr_ge0.
pose a j l := Num.sqrt d%:R * H j l * (k l 0 / l2 k).
have a_abs j l : `|a j l| = `|k l 0| / l2 k.
  by rewrite /a !normrM hadamard_norm // normfV (gtr0_norm rd) (gtr0_norm lk) mulfV // mul1r.
have cE e : cosine (H *m (signs _ e *m k)) = d%:R^-1 * \sum_j `|signed_sum (a j) e|.
  rewrite /cosine !orth_l2 //; last exact: signs_orthogonal.
  have scale (x r l : R) : r != 0 -> l != 0 -> x / (r * l) = (r ^+ 2)^-1 * (r / l * x).
    by move=> r0 l0; field; rewrite r0 l0.
  rewrite (scale _ _ _ rn ln) sqr_sqrt_dim; congr (_ * _); rewrite mulr_sumr; apply: eq_bigr => j _.
  have -> : signed_sum (a j) e = Num.sqrt d%:R / l2 k * (H *m (signs _ e *m k)) j 0.
    rewrite mxE mulr_sumr; apply: eq_bigr => l _; rewrite signs_mul /a.
    rewrite -!mulrA; congr (_ * _); rewrite [RHS]mulrCA; congr (_ * _).
    by rewrite [LHS]mulrC -[LHS]mulrA.
  by rewrite normrM normrM normfV (gtr0_norm rd) (gtr0_norm lk).
rewrite (eq_average cE) averageZ average_sum.
have each j : `|average (fun e => `|signed_sum (a j) e|) - sqrt (Rdiv 2 PI)| <= third.
  pose p (i : 'I_d) (b : bool) := (2%:R)^-1 : R_unitRing; pose X i b := a j i * sgnb _ b.
  have two : 2%:R != 0 :> R by rewrite pnatr_eq0.
  have halves : 2%:R^-1 + 2%:R^-1 = 1 :> R by rewrite -mulr2n -[_ *+ 2]mulr_natl mulfV.
  have m b : mean (p b) (X b) = 0 by rewrite /mean big_bool /p /X /sgnb /= mulrN1 mulr1 mulrN addNr.
  have lp i : law (p i).
    split=> [b|]; first by rewrite invr_ge0 ler0n.
    by rewrite big_bool.
  have v : \sum_i mean (p i) (fun b => X i b ^+ 2) = 1.
    rewrite (eq_bigr (fun l => (l2 k ^+ 2)^-1 * k l 0 ^+ 2)) => [|l _].
      by rewrite -mulr_sumr l2_sqr mulVf // sqn_eq0.
    rewrite /mean big_bool /p /X /sgnb /= mulrN1 mulr1 sqrrN -mulrDl.
    rewrite -[a j l ^+ 2]real_normK ?num_real // a_abs expr_div_n real_normK ?num_real //.
    by rewrite halves mul1r mulrC.
  have := goldstein d _ p X (fun x => `|x|) (sqrt (Rdiv 2 PI)) lp m v (fun x y => ler_dist_dist x y)
    (proj1 (proj2 MR_3_e_gaussian_two_over_pi)).
  have -> : \sum_i mean (p i) (fun b => `|X i b| ^+ 3) = third.
    rewrite /third mulr_suml; apply: eq_bigr => l _; rewrite /mean big_bool /p /X /sgnb /=.
    rewrite mulrN1 mulr1 normrN a_abs -mulrDl halves mul1r expr_div_n.
    by [].
  congr (`|_ - _| <= _); rewrite /average card_pattern mulr_suml; apply: eq_bigr => e _.
  by rewrite prodr_const card_ord exprVn mulrC.
apply: (@le_trans _ _ (d%:R^-1 * \sum_j `|average (fun e => `|signed_sum (a j) e|) - sqrt (Rdiv 2 PI)|)).
  set g := sqrt _; have gE : g = d%:R^-1 * \sum_(j < d) g by rewrite sumr_cst card_ord mulKf.
  rewrite [X in `|_ - X|]gE -mulrBr -sumrB normrM.
  rewrite ger0_norm ?invr_ge0 ?ler0n //; apply: ler_wpmul2l; first by rewrite invr_ge0 ler0n.
  exact: ler_norm_sum.
apply: (@le_trans _ _ (d%:R^-1 * \sum_(j < d) third)); last by rewrite sumr_cst card_ord mulKf.
by apply: ler_wpmul2l; [rewrite invr_ge0 ler0n|apply: ler_sum => j _; exact: each].
Qed.
End RandomSigns.
