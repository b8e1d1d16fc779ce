(* KR-10: the residuals that share their keys with a given one, and the exact
   test of whether they share its route. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics InnerProduct TopK KeyOnly.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

(* The set of residuals with the keys of x0.  K is the stacked key matrix with
   the gain absorbed, P the orthogonal projection on its kernel (given by its
   defining properties), eps the epsilon of the norm in front of the keys. *)
Section KeyClass.
Variables (R : rcfType) (m D : nat) (K : 'M[R]_(m, D)) (P : 'M[R]_D).
Hypothesis Psym : P^T = P.
Hypothesis KP : K *m P = 0.
Hypothesis Pker : forall z : 'cV[R]_D, K *m z = 0 -> P *m z = z.
Implicit Types x y w : 'cV[R]_D.
Add Field keyclass_field : (mc_field_theory R).

Lemma proj_idem w : P *m (P *m w) = P *m w.
Proof. by apply: Pker; rewrite mulmxA KP mul0mx. Qed.

Lemma proj_orth w y : dot (w - P *m w) (P *m y) = 0.
Proof. by rewrite -{2}Psym -dot_mulmxl mulmxBr proj_idem subrr dot0l. Qed.

Lemma proj_pythagoras w y : K *m y = 0 ->
  dot (w - P *m w + y) (w - P *m w + y) = dot (w - P *m w) (w - P *m w) + dot y y.
Proof.
move=> Ky; have o : dot (w - P *m w) y = 0 by rewrite -(Pker Ky) proj_orth.
move: (w - P *m w) o => a o.
by rewrite dotDl !dotDr (dotC y) o addr0 add0r.
Qed.

Lemma proj_decomp w :
  dot w w = dot (w - P *m w) (w - P *m w) + dot (P *m w) (P *m w).
Proof.
rewrite -[in LHS](subrK (P *m w) w) proj_pythagoras //.
by rewrite mulmxA KP mul0mx.
Qed.

Lemma rhoZ_key eps (x0 w : 'cV[R]_D) (t : R) : 0 <= eps -> 0 < D%:R :> R -> 0 < t ->
  dot w w = dot x0 x0 + D%:R * eps * (1 - t^-1 ^+ 2) ->
  rho eps (t *: w) = t * rho eps x0.
Proof.
move=> e0 D0 t0 hw; rewrite /rho dotZl dotZr hw.
have -> : t * (t * (dot x0 x0 + D%:R * eps * (1 - t^-1 ^+ 2))) / D%:R + eps
   = t ^+ 2 * (dot x0 x0 / D%:R + eps).
  by mfield R; split; apply/eqP; rewrite gt_eqF.
by rewrite sqrtrM ?sqr_ge0 // sqrtr_sqr gtr0_norm.
Qed.

(* KR-10. (a) The non-zero residuals x with the same keys as x0 are, up to the
   positive factor t, the points (I-P)x0 + y with y in the kernel of K and
   |y|^2 = |P x0|^2 + D eps (1 - 1/t^2).  Only for epsilon = 0 does the length of
   y not depend on t, see (b) and (c). *)
Theorem KR_10_a_key_class eps x0 x : 0 <= eps -> x0 != 0 -> x != 0 ->
  (rho eps x)^-1 *: (K *m x) = (rho eps x0)^-1 *: (K *m x0) <->
  exists t y, [/\ 0 < t, K *m y = 0,
    dot y y = dot (P *m x0) (P *m x0) + D%:R * eps * (1 - t^-1 ^+ 2) &
    x = t *: (x0 - P *m x0 + y)].
Proof.
move=> e0 x00 xn0; have D0 := width_gt0 x00.
have r0 := rho_gt0 e0 x00; have r := rho_gt0 e0 xn0.
split=> [keq|[t [y [t0 Ky hy xE]]]]; last first.
  have hr : rho eps x = t * rho eps x0.
    rewrite xE; apply: rhoZ_key => //.
    by rewrite proj_pythagoras // hy addrA -proj_decomp.
  rewrite hr xE -scalemxAr mulmxDr Ky addr0 mulmxBr mulmxA KP mul0mx subr0.
  by rewrite scalerA invfM mulrAC mulVf ?mul1r // gt_eqF.
pose t := rho eps x / rho eps x0; have t0 : 0 < t by rewrite divr_gt0.
pose w := t^-1 *: x.
have xE : x = t *: w by rewrite scalerA mulfV ?scale1r // gt_eqF.
have Kw : K *m (w - x0) = 0.
  apply/eqP; rewrite mulmxBr subr_eq0 -scalemxAr /t invf_div; apply/eqP.
  by rewrite -scalerA keq scalerA mulfV ?scale1r // gt_eqF.
have wE : w = x0 - P *m x0 + P *m w.
  have := Pker Kw; rewrite mulmxBr => e.
  have -> : P *m w = w - x0 + P *m x0 by rewrite -e subrK.
  by rewrite [RHS]addrC addrA addrAC addrK subrK.
clearbody w; exists t, (P *m w); split=> //; first by rewrite mulmxA KP mul0mx.
  have hw : dot w w = dot x0 x0 + D%:R * eps * (1 - t^-1 ^+ 2).
    have : dot x x / D%:R + eps = t ^+ 2 * (dot x0 x0 / D%:R + eps).
      by rewrite -!rho_sqr // -exprMn /t divfK // gt_eqF.
    rewrite [in LHS]xE dotZl dotZr => h.
    have tn0 : t <> 0 by apply/eqP; rewrite gt_eqF.
    have Dn0 : D%:R <> 0 :> R by apply/eqP; rewrite gt_eqF.
    have -> : dot w w = ((t * (t * dot w w) / D%:R + eps) - eps) * D%:R / t ^+ 2.
      by mfield R.
    by rewrite h; mfield R.
  have := proj_decomp x0; have : dot w w = dot (x0 - P *m x0) (x0 - P *m x0) + dot (P *m w) (P *m w).
    by rewrite {1 2}wE proj_pythagoras // mulmxA KP mul0mx.
  rewrite hw => h1 h2; rewrite h2 -!addrA in h1.
  by apply: (addrI (dot (x0 - P *m x0) (x0 - P *m x0))).
by rewrite -wE.
Qed.

(* KR-10. (b) With epsilon 0 the class is, up to the factor t, a sphere. *)
Theorem KR_10_b_key_class_sphere x0 x : x0 != 0 -> x != 0 ->
  (rho 0 x)^-1 *: (K *m x) = (rho 0 x0)^-1 *: (K *m x0) <->
  exists t y, [/\ 0 < t, K *m y = 0, dot y y = dot (P *m x0) (P *m x0) &
    x = t *: (x0 - P *m x0 + y)].
Proof.
move=> x00 xn0; rewrite KR_10_a_key_class //.
by split=> -[t [y [? ? h ?]]]; exists t, y; split=> //; move: h;
  rewrite mulr0 mul0r addr0.
Qed.

(* KR-10. (c) With epsilon > 0 it is larger: every y of the open ball
   |y|^2 < r0^2 = |P x0|^2 + D eps occurs. *)
Theorem KR_10_c_key_class_ball eps x0 y : 0 < eps -> x0 != 0 -> K *m y = 0 ->
  dot y y < dot (P *m x0) (P *m x0) + D%:R * eps ->
  exists2 t, 0 < t & let x := t *: (x0 - P *m x0 + y) in
    (rho eps x)^-1 *: (K *m x) = (rho eps x0)^-1 *: (K *m x0).
Proof.
move=> e0 x00 Ky hy; have D0 := width_gt0 x00.
have De : 0 < D%:R * eps by rewrite mulr_gt0.
pose q := (dot (P *m x0) (P *m x0) + D%:R * eps - dot y y) / (D%:R * eps).
have q0 : 0 < q by rewrite divr_gt0 // subr_gt0.
exists (Num.sqrt q)^-1; first by rewrite invr_gt0 sqrtr_gt0.
set t := _^-1; have t0 : 0 < t by rewrite invr_gt0 sqrtr_gt0.
have hyE : dot y y = dot (P *m x0) (P *m x0) + D%:R * eps * (1 - t^-1 ^+ 2).
  rewrite invrK sqr_sqrtr ?ltW // mulrBr mulr1 /q mulrCA mulfV ?gt_eqF // mulr1.
  by mring R.
move=> x; have hr : rho eps x = t * rho eps x0.
  apply: rhoZ_key => //; first exact: ltW.
  by rewrite proj_pythagoras // hyE addrA -proj_decomp.
rewrite hr -scalemxAr mulmxDr Ky addr0 mulmxBr mulmxA KP mul0mx subr0.
by rewrite scalerA invfM mulrAC mulVf ?mul1r // gt_eqF.
Qed.

(* KR-10. (d) Determinacy test, sufficient direction: if every pair i in T, j
   outside satisfies g^T(I-P)x0 >= |P g| sqrt(|P x0|^2 + D eps), g = G_i - G_j,
   then T is a top-k set at every residual with the keys of x0.  (The converse
   is (e).) *)
Theorem KR_10_d_determinacy_test (E k : nat) (G : 'M[R]_(E, D)) eps x0 x
    (T : {set 'I_E}) : 0 <= eps -> x0 != 0 -> x != 0 -> #|T| = k ->
  (forall i j, i \in T -> j \notin T ->
     let g := (row i G - row j G)^T in
     norm (P *m g) * Num.sqrt (dot (P *m x0) (P *m x0) + D%:R * eps)
       <= dot g (x0 - P *m x0)) ->
  (rho eps x)^-1 *: (K *m x) = (rho eps x0)^-1 *: (K *m x0) ->
  is_topk k (G *m x) T.
Proof.
move=> e0 x00 xn0 cT test /(KR_10_a_key_class e0 x00 xn0) [t [y [t0 Ky hy xE]]].
have D0 := width_gt0 x00.
split=> // i j iT jT; have := test i j iT jT; set g := _^T => /= tg.
have diff : (G *m x) i 0 - (G *m x) j 0 = dot g x.
  rewrite /dot !mxE -sumrB; apply: eq_bigr => l _.
  by rewrite !mxE mulrBl.
have gy : dot g y = dot (P *m g) y by rewrite dot_mulmxl Psym Pker.
rewrite -subr_ge0 diff xE dotZr pmulr_rge0 // dotDr gy.
rewrite -[dot _ y]opprK subr_ge0; apply: le_trans tg.
apply: le_trans (ler_norm _) _; rewrite normrN; apply: le_trans (cauchy_schwarz _ _) _.
rewrite ler_wpmul2l ?norm_ge0 // /norm ler_wsqrtr // hy ler_add2l.
rewrite ler_pimulr ?mulr_ge0 ?ler0n // ler_subl_addr ler_addl.
by rewrite sqr_ge0.
Qed.

(* KR-10. (f) The witness: if P g is not 0, the vector y = -(r/|P g|) P g of the
   kernel has length r and attains the smallest g^T y of the ball of radius r. *)
Theorem KR_10_f_witness g (r : R) : 0 <= r -> P *m g != 0 ->
  let y := - (r / norm (P *m g)) *: (P *m g) in
  [/\ K *m y = 0, norm y = r, dot g y = - (norm (P *m g) * r) &
      forall y', K *m y' = 0 -> norm y' <= r -> dot g y <= dot g y'].
Proof.
move=> r0 Pg0 y; have n0 : 0 < norm (P *m g) by rewrite norm_gt0.
have Ky : K *m y = 0 by rewrite /y -scalemxAr mulmxA KP mul0mx scaler0.
have pair w : K *m w = 0 -> dot g w = dot (P *m g) w.
  by move=> Kw; rewrite dot_mulmxl Psym Pker.
have gy : dot g y = - (norm (P *m g) * r).
  rewrite pair // /y dotZr -norm_sqr expr2 mulNr; congr (- _).
  by rewrite mulrA divfK 1?mulrC // gt_eqF.
split=> // [|y' Ky' hy'].
  by rewrite /y normZ normrN ger0_norm ?divfK ?gt_eqF // divr_ge0 // ltW.
rewrite gy pair // ler_oppl; apply: le_trans (ler_norm _) _; rewrite normrN.
by apply: le_trans (cauchy_schwarz _ _) _; rewrite ler_wpmul2l ?norm_ge0.
Qed.

(* KR-10. (e) The test is exact: T is a top-k set at every non-zero residual with
   the keys of x0 if and only if (d)'s condition holds, for every epsilon.  With
   epsilon 0 the radius r0 is |P x0|.  The kernel may have any
   dimension: where it is a line, the sphere's two points already contain the
   minimum. *)
Theorem KR_10_e_determinacy_iff (E k : nat) (G : 'M[R]_(E, D)) eps x0
    (T : {set 'I_E}) : 0 <= eps -> x0 != 0 -> #|T| = k ->
  (forall x, x != 0 -> (rho eps x)^-1 *: (K *m x) = (rho eps x0)^-1 *: (K *m x0) ->
     is_topk k (G *m x) T) <->
  (forall i j, i \in T -> j \notin T ->
     let g := (row i G - row j G)^T in
     norm (P *m g) * Num.sqrt (dot (P *m x0) (P *m x0) + D%:R * eps)
       <= dot g (x0 - P *m x0)).
Proof.
move=> e0 x00 cT; split=> [det i j iT jT /=|test x xn0 keys]; last first.
  exact: (KR_10_d_determinacy_test e0 x00 xn0 cT test keys).
set g := (row i G - row j G)^T.
have D0 := width_gt0 x00.
have diff x : (G *m x) i 0 - (G *m x) j 0 = dot g x.
  by rewrite /dot !mxE -sumrB; apply: eq_bigr => l _; rewrite !mxE mulrBl.
have gx x : x != 0 -> (rho eps x)^-1 *: (K *m x) = (rho eps x0)^-1 *: (K *m x0) ->
    0 <= dot g x.
  by move=> xn0 keys; rewrite -diff subr_ge0; have [_] := det x xn0 keys; apply.
set r2 := dot (P *m x0) (P *m x0) + D%:R * eps; set a := dot g (x0 - P *m x0).
have r20 : 0 <= r2 by rewrite addr_ge0 ?dot_ge0 // mulr_ge0 // ltW.
have [Pg0|Pg0] := eqVneq (P *m g) 0.
  rewrite Pg0 {1}/norm dot0l sqrtr0 mul0r.
  have := gx x0 x00 erefl; congr (_ <= _).
  have gP : dot g (P *m x0) = 0 by rewrite -[P in dot g (P *m _)]Psym -dot_mulmxl Pg0 dot0l.
  by rewrite -[in LHS](subrK (P *m x0) x0) dotDr -/a gP addr0.
have n0 : 0 < norm (P *m g) by rewrite norm_gt0.
(* For every radius r > 0 at which the class has a point opposite to P g. *)
have at_radius r t : 0 < t -> 0 < r ->
    r ^+ 2 = dot (P *m x0) (P *m x0) + D%:R * eps * (1 - t^-1 ^+ 2) ->
    norm (P *m g) * r <= a.
  move=> t0 r0 hr; have [Ky ny gy _] := KR_10_f_witness (ltW r0) Pg0.
  set y := _ *: _ in Ky ny gy.
  have yy : dot y y = r ^+ 2 by rewrite -norm_sqr ny.
  pose x := t *: (x0 - P *m x0 + y).
  have xn0 : x != 0.
    rewrite scaler_eq0 (gt_eqF t0) /= -dot_eq0 proj_pythagoras // yy gt_eqF //.
    by rewrite ltr_paddl ?dot_ge0 // exprn_gt0.
  have keys : (rho eps x)^-1 *: (K *m x) = (rho eps x0)^-1 *: (K *m x0).
    by apply/(KR_10_a_key_class e0 x00 xn0); exists t, y; rewrite yy.
  by have := gx x xn0 keys; rewrite dotZr pmulr_rge0 // dotDr gy subr_ge0.
have Dn0 : D%:R != 0 :> R by rewrite gt_eqF.
move: (e0); rewrite le_eqVlt => /orP[/eqP ez|ep].
  rewrite /r2 -ez mulr0 addr0; have [z|nz] := eqVneq (P *m x0) 0.
    rewrite z dot0l sqrtr0 mulr0 /a z subr0.
    by rewrite -[X in dot g X]scale1r -[X in _ <= _ X]/(1 *: x0) scale1r; apply: gx.
  apply: (at_radius _ 1) => //; first by rewrite sqrtr_gt0 dot_gt0.
  by rewrite -ez mulr0 mul0r addr0 sqr_sqrtr ?dot_ge0.
have De : 0 < D%:R * eps by rewrite mulr_gt0.
have R0 : 0 < Num.sqrt r2 by rewrite sqrtr_gt0 ltr_paddl ?dot_ge0.
(* With a positive epsilon only the open ball is reached: approach the radius. *)
rewrite leNgt; apply/negP => lt_a.
have inner r : 0 < r -> r < Num.sqrt r2 -> norm (P *m g) * r <= a.
  move=> r0 rR; have rr : r ^+ 2 < r2.
    by rewrite -(sqr_sqrtr r20) ltr_pexpn2r // ?nnegrE ltW.
  pose q := (r2 - r ^+ 2) / (D%:R * eps).
  have q0 : 0 < q by rewrite divr_gt0 // subr_gt0.
  apply: (at_radius _ (Num.sqrt q)^-1) => //; first by rewrite invr_gt0 sqrtr_gt0.
  rewrite invrK sqr_sqrtr ?ltW // mulrBr mulr1 /q mulrCA mulfV ?gt_eqF // mulr1.
  have aux (u v w : R) : w = u + (v - (u + v - w)) by mring R.
  exact: aux.
pose b := Num.max a 0 / norm (P *m g).
have b0 : 0 <= b by rewrite divr_ge0 ?le_maxr ?lexx ?orbT // ltW.
have bR : b < Num.sqrt r2.
  rewrite ltr_pdivr_mulr // mulrC lt_maxl lt_a /=.
  by rewrite mulr_gt0.
pose r := (b + Num.sqrt r2) / 2%:R.
have br : b < r by have := midf_lt bR; case.
have rR : r < Num.sqrt r2 by have := midf_lt bR; case.
have := inner r (le_lt_trans b0 br) rR; rewrite leNgt => /negP; apply.
apply: (@le_lt_trans _ _ (norm (P *m g) * b)); last by rewrite ltr_pmul2l.
by rewrite mulrC divfK ?gt_eqF // le_maxr lexx.
Qed.

End KeyClass.
