(* Family RC: what commutes with RoPE.  A rotation by an angle is given by its
   cosine c and sine s, c^2 + s^2 = 1. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics InnerProduct TopK KeyOnly.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Plane.
Variable R : realFieldType.
Implicit Types (X : 'M[R]_2) (a b c s : R).
Add Field plane_field : (mc_field_theory R).

Definition J : 'M[R]_2 :=
  \matrix_(i, j) (if i == j then 0 else if i == 0 then -1 else 1).
Definition rot c s : 'M[R]_2 := c *: 1%:M + s *: J.

Lemma mul2E (A B : 'M[R]_2) i j : (A *m B) i j = A i 0 * B 0 j + A i 1 * B 1 j.
Proof.
rewrite mxE big_ord_recl big_ord1; congr (_ + A _ _ * B _ _); exact: val_inj.
Qed.

Lemma mx2P (A B : 'M[R]_2) : A 0 0 = B 0 0 -> A 0 1 = B 0 1 -> A 1 0 = B 1 0 ->
  A 1 1 = B 1 1 -> A = B.
Proof.
move=> h1 h2 h3 h4; apply/matrixP => i j.
have two (l : 'I_2) : l = 0 \/ l = 1.
  by case: l => [[|[|//]]] h; [left | right]; apply: val_inj.
by case: (two i) => ->; case: (two j) => ->.
Qed.

Lemma J_sqr : J *m J = - 1%:M.
Proof. by apply: mx2P; rewrite mul2E !mxE /=; mring R. Qed.

Lemma rot_mul c s c' s' : rot c s *m rot c' s' = rot (c * c' - s * s') (c * s' + s * c').
Proof. by apply: mx2P; rewrite mul2E !mxE /=; mring R. Qed.

Lemma rot_inv c s : c ^+ 2 + s ^+ 2 = 1 -> rot c (- s) *m rot c s = 1%:M.
Proof.
move=> h; rewrite rot_mul (_ : c * c - - s * s = 1); last by rewrite -h; mring R.
by rewrite (_ : c * s + - s * c = 0) ?/rot ?scale0r ?addr0 ?scale1r //; mring R.
Qed.

(* RC-1. (a) For sin phi <> 0 exactly the matrices aI + bJ commute with the
   rotation by phi. *)
Theorem RC_1_a_plane_commutant c s X : s != 0 ->
  X *m rot c s = rot c s *m X <-> exists a b, X = a *: 1%:M + b *: J.
Proof.
move=> s0; split=> [h|[a [b ->]]]; last first.
  by rewrite -!/(rot _ _) !rot_mul; congr rot; mring R.
have e00 : X 0 1 = - X 1 0.
  have /matrixP/(_ 0 0) := h; rewrite !mul2E !mxE /= => e; apply: (mulfI s0).
  have -> : s * X 0 1 = (X 0 0 * (c * 1 + s * 0) + X 0 1 * (c * 0 + s * 1)) - c * X 0 0.
    by mring R.
  by rewrite e; mring R.
have e01 : X 0 0 = X 1 1.
  have /matrixP/(_ 0 1) := h; rewrite !mul2E !mxE /= => e; apply: (mulfI s0).
  have -> : s * X 0 0 = c * X 0 1 - (X 0 0 * (c * 0 + s * -1) + X 0 1 * (c * 1 + s * 0)).
    by mring R.
  by rewrite e; mring R.
exists (X 0 0), (X 1 0); apply: mx2P; rewrite !mxE /= ?e00 -?e01; mring R.
Qed.

(* RC-1. (b) The orthogonal ones have a^2 + b^2 = 1, hence are rotations. *)
Theorem RC_1_b_orthogonal_commutant a b :
  let X := a *: 1%:M + b *: J in
  (X^T *m X = 1%:M <-> a ^+ 2 + b ^+ 2 = 1) /\ \det X = a ^+ 2 + b ^+ 2.
Proof.
move=> X; have sq : X^T *m X = (a ^+ 2 + b ^+ 2) *: 1%:M.
  by apply: mx2P; rewrite mul2E !mxE /=; mring R.
split.
  rewrite sq; split=> [/matrixP/(_ 0 0)|->]; last exact: scale1r.
  by rewrite !mxE /= mulr1.
rewrite (expand_det_row _ 0) big_ord_recl big_ord1 /cofactor !det_mx11 !mxE /=.
by mring R.
Qed.

(* rot(phi)^2 - 2 cos phi rot(phi) + 1 = 0. *)
Lemma rot_char c s : c ^+ 2 + s ^+ 2 = 1 ->
  rot c s *m rot c s = (c *+ 2) *: rot c s - 1%:M.
Proof.
move=> h; have s2 : s * s = 1 - c * c by rewrite -h !expr2 addrC addKr.
rewrite rot_mul s2; apply: mx2P; rewrite !mxE /=; try by mring R.
Qed.

Lemma rot_unitr p c s (Y : 'M[R]_(2, p)) : c ^+ 2 + s ^+ 2 = 1 -> rot c s *m Y = 0 -> Y = 0.
Proof. by move=> h e; rewrite -[Y]mul1mx -(rot_inv h) -mulmxA e mulmx0. Qed.

(* RC-2. (a) Two rotations with different cosines have no common intertwiner
   but 0: different clocks cannot be mixed. *)
Theorem RC_2_a_intertwiner_zero c s c' s' X :
  c ^+ 2 + s ^+ 2 = 1 -> c' ^+ 2 + s' ^+ 2 = 1 -> c != c' ->
  X *m rot c s = rot c' s' *m X -> X = 0.
Proof.
move=> h h' cc e; apply: (rot_unitr h').
have e1 : rot c' s' *m (rot c' s' *m X) = (c *+ 2) *: (rot c' s' *m X) - X.
  by rewrite -e mulmxA -e -mulmxA rot_char // mulmxBr mulmx1 -scalemxAr.
move: e1; rewrite mulmxA rot_char // mulmxBl mul1mx -scalemxAl => /addIr /eqP.
rewrite -subr_eq0 -scalerBl scaler_eq0 -mulrnBl mulrn_eq0 subr_eq0 [c' == c]eq_sym (negPf cc) /=.
by move/eqP.
Qed.

(* RC-2. (b) Nor does an unrotated coordinate mix with a rotated plane. *)
Theorem RC_2_b_unrotated_coordinate c s (X : 'M[R]_(2, 1)) (Y : 'M[R]_(1, 2)) :
  c ^+ 2 + s ^+ 2 = 1 -> c != 1 ->
  (rot c s *m X = X -> X = 0) /\ (Y *m rot c s = Y -> Y = 0).
Proof.
move=> h c1; have c1' : (c *+ 2 - 2%:R != 0).
  by rewrite -mulrnBl mulrn_eq0 subr_eq0.
split=> e.
  have : rot c s *m (rot c s *m X) = X by rewrite !e.
  rewrite mulmxA rot_char // mulmxBl mul1mx -scalemxAl e => /eqP.
  rewrite -subr_eq0 -{2 3}[X]scale1r -!scalerBl -addrA -opprD -mulr2n.
  by rewrite scaler_eq0 (negPf c1') => /eqP.
have : Y *m rot c s *m rot c s = Y by rewrite !e.
rewrite -mulmxA rot_char // mulmxBr mulmx1 -scalemxAr e => /eqP.
rewrite -subr_eq0 -{2 3}[Y]scale1r -!scalerBl -addrA -opprD -mulr2n.
by rewrite scaler_eq0 (negPf c1') => /eqP.
Qed.

End Plane.

Lemma bilinear_eq (F : fieldType) m n (A B : 'M[F]_(m, n)) :
  (forall (q : 'cV_m) (k : 'cV_n), q^T *m A *m k = q^T *m B *m k) -> A = B.
Proof.
move=> h; apply/matrixP => i j.
have := h (delta_mx i 0) (delta_mx j 0); rewrite !trmx_delta -!rowE -!colE.
by move/matrixP/(_ 0 0); rewrite !mxE.
Qed.

(* RC-4. A pair A, B applied before a family of position operators Theta
   (containing the identity) preserves all scores exactly when A is the inverse
   transpose of B and B commutes with the family. *)
Theorem RC_4_foldability (F : fieldType) (d : nat) (I : Type) (Theta : I -> 'M[F]_d)
    (t0 : I) (A B : 'M[F]_d) : Theta t0 = 1%:M ->
  (forall (q k : 'cV_d) t, (A *m q)^T *m Theta t *m (B *m k) = q^T *m Theta t *m k) <->
  A^T *m B = 1%:M /\ forall t, B *m Theta t = Theta t *m B.
Proof.
move=> h0; split=> [h|[AB com] q k t]; last first.
  by rewrite trmx_mul -!mulmxA (mulmxA (Theta t)) -com !mulmxA -(mulmxA _ A^T) AB mulmx1.
have hT t : A^T *m Theta t *m B = Theta t.
  by apply: bilinear_eq => q k; rewrite -[RHS]h trmx_mul !mulmxA.
have AB : A^T *m B = 1%:M by have := hT t0; rewrite h0 mulmx1.
split=> // t; rewrite -{1}(hT t) !mulmxA (mulmx1C AB) mul1mx //.
Qed.

Section QkNorm.
Variables (R : rcfType) (d : nat).
Implicit Types (g v : 'cV[R]_d) (O : 'M[R]_d).
Add Field qknorm_field : (mc_field_theory R).

Lemma orth_dot O v : O^T *m O = 1%:M -> dot (O *m v) (O *m v) = dot v v.
Proof. by move=> h; rewrite dot_mulmxl mulmxA h mul1mx. Qed.

(* RC-5. (a) If R diag(gamma) = diag(gamma) R' with R' orthogonal, then R can be
   moved from after a QK-norm with gains gamma to in front of it. *)
Theorem RC_5_a_folding_through_qknorm O O' g (eps : R) v :
  O'^T *m O' = 1%:M -> O *m diag_mx g^T = diag_mx g^T *m O' ->
  O *m rmsnorm eps g v = rmsnorm eps g (O' *m v).
Proof.
move=> orth e; rewrite /rmsnorm /rho orth_dot // -scalemxAr; congr (_ *: _).
by rewrite !mulmxA e.
Qed.

(* RC-5. (b) For an orthogonal R such an orthogonal R' exists exactly when R
   mixes only coordinates with gains of equal modulus. *)
Theorem RC_5_b_foldable_iff O g : O^T *m O = 1%:M -> (forall i, g i 0 != 0) ->
  (exists O', O'^T *m O' = 1%:M /\ O *m diag_mx g^T = diag_mx g^T *m O') <->
  (forall i j, O i j = 0 \/ `|g i 0| = `|g j 0|).
Proof.
move=> orth g0; have orth' := mulmx1C orth.
pose gi : 'rV[R]_d := \row_i (g i 0)^-1.
have gig : diag_mx gi *m diag_mx g^T = 1%:M.
  by rewrite mulmx_diag -diag_const_mx; congr diag_mx; apply/rowP => i; rewrite !mxE mulVf.
have ggi := mulmx1C gig.
have entry (D : 'rV[R]_d) i j : (diag_mx D *m O) i j = D 0 i * O i j.
  by rewrite mul_diag_mx mxE.
have entry' (D : 'rV[R]_d) i j : (O *m diag_mx D) i j = O i j * D 0 j.
  by rewrite mul_mx_diag mxE.
pose S := diag_mx (\row_i ((g i 0)^-1 ^+ 2)) : 'M[R]_d.
have SE : S = diag_mx gi *m diag_mx gi.
  by rewrite mulmx_diag; congr diag_mx; apply/rowP => i; rewrite !mxE expr2.
have comP : S *m O = O *m S <-> (forall i j, O i j = 0 \/ `|g i 0| = `|g j 0|).
  split=> [h i j|h].
    have /matrixP/(_ i j) := h; rewrite entry entry' !mxE mulrC => /eqP.
    rewrite -subr_eq0 -mulrBr mulf_eq0 subr_eq0 => /orP[/eqP|]; first by left.
    rewrite !exprVn => /eqP/invr_inj e; right; apply/eqP.
    by rewrite -(@eqr_expn2 _ 2) ?normr_ge0 // !real_normK ?num_real // e.
  apply/matrixP => i j; rewrite entry entry' !mxE mulrC.
  case: (h i j) => [->|e]; first by rewrite !mul0r.
  by rewrite !exprVn -(real_normK (num_real (g i 0))) e real_normK ?num_real.
rewrite -comP; split=> [[O' [oO' e]]|com].
  have O'E : O' = diag_mx gi *m O *m diag_mx g^T by rewrite -mulmxA e mulmxA gig mul1mx.
  have : diag_mx g^T *m O^T *m S *m O *m diag_mx g^T = 1%:M.
    by rewrite -oO' O'E SE !trmx_mul !tr_diag_mx !mulmxA.
  move=> h; have : O^T *m S *m O = S.
    have step : diag_mx gi *m (diag_mx g^T *m O^T *m S *m O *m diag_mx g^T) *m diag_mx gi = S.
      by rewrite h mulmx1 SE.
    by rewrite -[RHS]step !mulmxA gig mul1mx -(mulmxA _ (diag_mx g^T)) ggi mulmx1.
  by move=> h1; rewrite -[X in O *m X]h1 !mulmxA orth' mul1mx.
exists (diag_mx gi *m O *m diag_mx g^T); split; last by rewrite !mulmxA ggi mul1mx.
rewrite !trmx_mul !tr_diag_mx !mulmxA -(mulmxA _ (diag_mx gi) (diag_mx gi)) -SE.
rewrite -(mulmxA _ S O) com mulmxA -(mulmxA _ O^T O) orth mulmx1 SE mulmxA ggi mul1mx.
exact: gig.
Qed.

End QkNorm.

(* Coordinates in planes: the partner of coordinate i is sigma i, and an operator
   with cosines c and signed sines p has entries c_i on the diagonal and p_i at
   (i, sigma i).  A coordinate with sigma i = i has p_i = 0: it is not rotated.
   This covers adjacent and half-split layouts and partial RoPE. *)
Section Torus.
Variables (R : rcfType) (d : nat) (sigma : 'I_d -> 'I_d).
Hypothesis sigmaK : involutive sigma.
Implicit Types (c p : 'I_d -> R) (X : 'M[R]_d).
Add Field torus_field : (mc_field_theory R).

Definition torus c p : 'M[R]_d :=
  \matrix_(i, j) (c i *+ (j == i) + p i *+ (j == sigma i)).

Definition plane_consistent c p :=
  (forall i, c (sigma i) = c i) /\ (forall i, p (sigma i) = - p i).

Lemma sum_delta (F : 'I_d -> R) k (a : R) : \sum_l (a *+ (l == k)) * F l = a * F k.
Proof.
rewrite (bigD1 k) //= eqxx mulr1n big1 ?addr0 // => l /negPf ->.
by rewrite mulr0n mul0r.
Qed.

Lemma mul_torus c p X i j : (torus c p *m X) i j = c i * X i j + p i * X (sigma i) j.
Proof.
rewrite mxE -(sum_delta (fun l => X l j) i) -(sum_delta (fun l => X l j) (sigma i)).
by rewrite -big_split; apply: eq_bigr => l _; rewrite mxE mulrDl.
Qed.

Lemma torus_mul c p X i j : plane_consistent c p ->
  (X *m torus c p) i j = c j * X i j - p j * X i (sigma j).
Proof.
case=> hc hp; rewrite mxE -mulNr -hp.
rewrite -(sum_delta (fun l => X i l) j (c j)) -(sum_delta (fun l => X i l) (sigma j)).
rewrite -big_split; apply: eq_bigr => l _; rewrite mxE mulrDr.
rewrite ![X i l * _]mulrC; congr (_ * _ + _ * _).
  by rewrite eq_sym; case: eqP => [->|].
have -> : (j == sigma l) = (l == sigma j).
  by apply/eqP/eqP => ->; rewrite sigmaK.
by case: eqP => [->|]; rewrite ?mulr0n // !mulr1n.
Qed.

(* RC-3. (a) The cage, for any schedule: X commutes with Theta_1 exactly when it
   does not mix coordinates of different frequency (cosine) and is
   complex-linear inside a frequency class.  Where p = 0 (unrotated coordinates,
   cosine 1) the second condition is empty: that block is free; a class of mu
   planes carries M_mu(C).  Frequencies lie in (0, pi), where equal frequency
   means equal cosine. *)
Theorem RC_3_a_commutant c p X : plane_consistent c p ->
  (forall i, c i ^+ 2 + p i ^+ 2 = 1) ->
  X *m torus c p = torus c p *m X <->
  (forall i j, c i != c j -> X i j = 0) /\
  (forall i j, c i = c j -> p i * X (sigma i) j = - (p j * X i (sigma j))).
Proof.
move=> pc unit; have [hc hp] := pc.
have ent : X *m torus c p = torus c p *m X <->
    forall i j, (c j - c i) * X i j = p j * X i (sigma j) + p i * X (sigma i) j.
  split=> [h i j|h].
    have /matrixP/(_ i j) := h; rewrite torus_mul // mul_torus => /eqP.
    rewrite subr_eq => /eqP e; rewrite mulrBl e.
    by mring R.
  apply/matrixP => i j; rewrite torus_mul // mul_torus; apply/eqP.
  rewrite subr_eq; apply/eqP; rewrite -addrA [X in _ = _ + X]addrC -h.
  by mring R.
rewrite ent; split=> [h|[h0 h1] i j]; last first.
  have [e|ne] := eqVneq (c i) (c j).
    by rewrite e subrr mul0r h1 // addrN.
  by rewrite !h0 ?hc ?mulr0 ?addr0.
split=> [i j ne|i j e]; last first.
  by have := h i j; rewrite e subrr mul0r => /esym/eqP; rewrite addrC addr_eq0 => /eqP.
have e1 := h i j; have e2 := h i (sigma j); have e3 := h (sigma i) j.
have e4 := h (sigma i) (sigma j).
rewrite ?hc ?hp ?sigmaK in e2 e3 e4.
move: (X i j) (X i (sigma j)) (X (sigma i) j) (X (sigma i) (sigma j)) e1 e2 e3 e4.
have D0 : c j - c i != 0 by rewrite subr_eq0 eq_sym.
move: (c j - c i) D0 (p i) (p j) => D D0 u q x y z v e1 e2 e3 e4.
have f1 : D ^+ 2 * x = 2%:R * u * q * v - (u ^+ 2 + q ^+ 2) * x.
  transitivity (q * (D * y) + u * (D * z)); last by rewrite e2 e3; mring R.
  by rewrite expr2 -mulrA e1; mring R.
have f2 : D ^+ 2 * v = 2%:R * u * q * x - (u ^+ 2 + q ^+ 2) * v.
  transitivity (- q * (D * z) - u * (D * y)); last by rewrite e2 e3; mring R.
  by rewrite expr2 -mulrA e4; mring R.
have f3 : ((D ^+ 2 + (u - q) ^+ 2) * (D ^+ 2 + (u + q) ^+ 2)) * x = 0.
  transitivity ((D ^+ 2 + u ^+ 2 + q ^+ 2) * (D ^+ 2 * x + (u ^+ 2 + q ^+ 2) * x)
     - 4%:R * u ^+ 2 * q ^+ 2 * x); first by mring R.
  rewrite f1 subrK.
  transitivity (2%:R * u * q * (D ^+ 2 * v + (u ^+ 2 + q ^+ 2) * v) - 4%:R * u ^+ 2 * q ^+ 2 * x).
    by mring R.
  by rewrite f2 subrK; mring R.
have pos (w : R) : 0 < D ^+ 2 + w ^+ 2.
  by apply: ltr_paddr; rewrite ?sqr_ge0 // lt_def sqr_ge0 sqrf_eq0 D0.
by move/eqP: f3; rewrite !mulf_eq0 (gt_eqF (pos _)) (gt_eqF (pos _)) => /eqP.
Qed.

(* RC-3. (b) Distinct frequencies, every coordinate rotated: the commutant is one
   complex number a + ib per plane. *)
Theorem RC_3_b_torus c p X : plane_consistent c p ->
  (forall i, c i ^+ 2 + p i ^+ 2 = 1) -> (forall i, p i != 0) ->
  (forall i j, c i = c j -> j = i \/ j = sigma i) ->
  X *m torus c p = torus c p *m X <->
  exists a b, plane_consistent a b /\ X = torus a b.
Proof.
move=> pc unit p0 dist; have [hc hp] := pc.
have sne i : sigma i != i.
  apply: contra (p0 i) => /eqP e; have := hp i; rewrite e => /eqP.
  by rewrite -addr_eq0 -mulr2n mulrn_eq0.
rewrite RC_3_a_commutant //; split=> [[h0 h1]|[a [b [[ha hb] ->]]]].
  exists (fun i => X i i), (fun i => X i (sigma i)); split.
    split=> i.
      have := h1 i (sigma i); rewrite hc hp sigmaK mulNr opprK => /(_ erefl) /(mulfI (p0 i)).
      by [].
    have := h1 i i erefl; rewrite -mulrN => /(mulfI (p0 i)) e.
    by rewrite sigmaK e.
  apply/matrixP => i j; rewrite mxE.
  have [->|ji] := eqVneq j i; first by rewrite eq_sym (negPf (sne i)) mulr0n addr0 mulr1n.
  have [->|js] := eqVneq j (sigma i); first by rewrite mulr0n add0r mulr1n.
  rewrite addr0 h0 //; apply/eqP => /dist [] /eqP; first by rewrite (negPf ji).
  by rewrite (negPf js).
have flip (l m : 'I_d) : (sigma l == sigma m) = (l == m) by rewrite (inj_eq (inv_inj sigmaK)).
split=> i j e; rewrite !mxE.
  have [ji|ji] := eqVneq j i; first by rewrite ji eqxx in e.
  have [js|js] := eqVneq j (sigma i); first by rewrite js hc eqxx in e.
  by rewrite !mulr0n addr0.
have f1 : (sigma i == i) = false by apply: negPf.
have f2 : (i == sigma i) = false by rewrite eq_sym.
rewrite sigmaK flip ha hb; case: (dist i j e) => ->;
  by rewrite ?sigmaK ?hp ?eqxx ?f1 ?f2 ?mulr0n ?mulr1n; mring R.
Qed.

(* RC-3. (c) Its orthogonal members form the torus: a^2 + b^2 = 1 per plane. *)
Theorem RC_3_c_orthogonal_torus (a b : 'I_d -> R) : plane_consistent a b ->
  (forall i, sigma i != i) ->
  (torus a b)^T *m torus a b = 1%:M <-> (forall i, a i ^+ 2 + b i ^+ 2 = 1).
Proof.
move=> [ha hb] sne.
have tr : (torus a b)^T = torus a (fun i => - b i).
  apply/matrixP => i j; rewrite !mxE; congr (_ + _).
    by rewrite eq_sym; case: eqP => [->|].
  have -> : (i == sigma j) = (j == sigma i) by apply/eqP/eqP => ->; rewrite sigmaK.
  by case: eqP => [->|]; rewrite ?mulr0n // hb.
have ent i j : ((torus a b)^T *m torus a b) i j = (a i ^+ 2 + b i ^+ 2) *+ (j == i).
  rewrite tr mul_torus !mxE sigmaK ha hb.
  case: (eqVneq j i) => [->|ji]; first by rewrite eq_sym (negPf (sne i)) !mulr0n !mulr1n; mring R.
  by case: (j == sigma i); rewrite ?mulr0n ?mulr1n; mring R.
split=> [h i|h].
  by have := ent i i; rewrite h mxE eqxx !mulr1n => <-.
by apply/matrixP => i j; rewrite ent h mxE eq_sym.
Qed.

(* RC-5. (c) For in-plane rotations (the gauges RoPE leaves) a QK-norm with gains
   g lets the rotation fold exactly when, on every plane with a non-zero sine,
   the two gains have equal modulus. *)
Theorem RC_5_c_torus_through_qknorm c p (g : 'cV[R]_d) : plane_consistent c p ->
  (forall i, sigma i != i) -> (forall i, c i ^+ 2 + p i ^+ 2 = 1) ->
  (forall i, g i 0 != 0) ->
  (exists O', O'^T *m O' = 1%:M /\ torus c p *m diag_mx g^T = diag_mx g^T *m O') <->
  (forall i, p i = 0 \/ `|g i 0| = `|g (sigma i) 0|).
Proof.
move=> pc sne unit g0; have orth : (torus c p)^T *m torus c p = 1%:M by apply/RC_3_c_orthogonal_torus.
rewrite (RC_5_b_foldable_iff orth g0); split=> [h i|h i j].
  by have := h i (sigma i); rewrite mxE eqxx (negPf (sne i)) mulr0n mulr1n add0r.
rewrite mxE; have [->|ji] := eqVneq j i; first by right.
have [->|js] := eqVneq j (sigma i); last by left; rewrite !mulr0n addr0.
by rewrite mulr0n mulr1n add0r; apply: h.
Qed.

End Torus.

Section PlaneScaling.
Variables (R : rcfType) (d : nat) (Pl : eqType) (pl : 'I_d -> Pl) (I : Type).
Variables (Theta : I -> 'M[R]_d) (rho_ : Pl -> R).
Hypothesis Theta_block : forall t i j, pl i != pl j -> Theta t i j = 0.
Hypothesis rho_neq0 : forall P, rho_ P != 0.

Definition scale_up : 'M[R]_d := diag_mx (\row_i rho_ (pl i)).
Definition scale_down : 'M[R]_d := diag_mx (\row_i (rho_ (pl i))^-1).

(* RC-8. (a) Scaling each plane of K by rho and of Q by 1/rho commutes with
   RoPE and preserves all scores: it folds for free. *)
Theorem RC_8_a_plane_scaling_folds :
  [/\ scale_down^T *m scale_up = 1%:M,
      forall t, scale_up *m Theta t = Theta t *m scale_up &
      forall (q k : 'cV[R]_d) t,
        (scale_down *m q)^T *m Theta t *m (scale_up *m k) = q^T *m Theta t *m k].
Proof.
have inv : scale_down^T *m scale_up = 1%:M.
  rewrite tr_diag_mx mulmx_diag -diag_const_mx; congr diag_mx.
  by apply/rowP => i; rewrite !mxE mulVf.
have com t : scale_up *m Theta t = Theta t *m scale_up.
  apply/matrixP => i j; rewrite mul_diag_mx mul_mx_diag !mxE mulrC.
  by have [->|ne] := eqVneq (pl i) (pl j); last by rewrite Theta_block // !mul0r.
split=> // q k t.
by rewrite trmx_mul -!mulmxA (mulmxA (Theta t)) -com !mulmxA -(mulmxA _ scale_down^T) inv mulmx1.
Qed.

End PlaneScaling.

Section CancelScale.
Variable R : rcfType.
Add Field cancel_field : (mc_field_theory R).
Lemma cancel_scale (n x a : R) : n != 0 -> x != 0 -> n * (x * x * a / (x * n)) = x * a.
Proof. by move=> n0 x0; mfield R; split; apply/eqP. Qed.
End CancelScale.

(* RC-8. (b) For deterministic radii r_j the choice rho_j = 1/r_j gives unit
   planes, and the mean 1-bit cosine is then sqrt 2 times the mean of |cos|; for
   uniform phases that mean is 2/pi and the value is RC-7's ceiling
   2 sqrt 2 / pi.  (Finite phase law P on Om; the mean a is a parameter.) *)
Theorem RC_8_b_scaled_planes_cosine (R : rcfType) (m : nat) (Om : finType)
    (P : Om -> R) (cs sn : Om -> 'I_m -> R) (r : 'I_m -> R) (a : R) : (0 < m)%N ->
  (forall j, 0 < r j) -> (forall w j, cs w j ^+ 2 + sn w j ^+ 2 = 1) ->
  (forall j, \sum_w P w * `|cs w j| = a) -> (forall j, \sum_w P w * `|sn w j| = a) ->
  let y w j := ((r j)^-1 * (r j * cs w j), (r j)^-1 * (r j * sn w j)) in
  \sum_w P w * ((\sum_j (`|(y w j).1| + `|(y w j).2|)) /
     (Num.sqrt (2 * m)%:R * Num.sqrt (\sum_j ((y w j).1 ^+ 2 + (y w j).2 ^+ 2)))) =
  Num.sqrt 2%:R * a.
Proof.
move=> m0 r0 unit hc hs /=.
have m0' : 0 < m%:R :> R by rewrite ltr0n.
have s2 : 0 < Num.sqrt 2%:R :> R by rewrite sqrtr_gt0 ltr0n.
have canc w j : (r j)^-1 * (r j * cs w j) = cs w j by rewrite mulKf // gt_eqF.
have cans w j : (r j)^-1 * (r j * sn w j) = sn w j by rewrite mulKf // gt_eqF.
transitivity (\sum_w \sum_j (P w * `|cs w j| + P w * `|sn w j|) / (Num.sqrt 2%:R * m%:R)).
  apply: eq_bigr => w _; rewrite -mulr_suml.
  have -> : \sum_j (((r j)^-1 * (r j * cs w j)) ^+ 2 + ((r j)^-1 * (r j * sn w j)) ^+ 2) = m%:R.
    rewrite (eq_bigr (fun=> 1)); last by move=> j _; rewrite canc cans unit.
    by rewrite sumr_const card_ord.
  rewrite natrM sqrtrM ?ler0n // -mulrA -expr2 sqr_sqrtr ?ltW //.
  rewrite mulrA mulr_sumr; congr (_ / _); apply: eq_bigr => j _.
  by rewrite canc cans mulrDr.
rewrite exchange_big /= (eq_bigr (fun=> (a + a) / (Num.sqrt 2%:R * m%:R))); last first.
  by move=> j _; rewrite -mulr_suml big_split /= hc hs.
rewrite sumr_const card_ord -[LHS]mulr_natl.
have -> : a + a = Num.sqrt 2%:R * Num.sqrt 2%:R * a.
  by rewrite -expr2 sqr_sqrtr ?ler0n // mulr_natl mulr2n.
by apply: cancel_scale; rewrite gt_eqF.
Qed.
